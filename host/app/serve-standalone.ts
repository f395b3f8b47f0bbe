/** An application in one process: no vault, no failover; each commit is synced to this machine's disk. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { formatAddress, type Address } from "../../shared/config/config.ts";
import { parseAddress } from "../../shared/config/parse-address.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parseNodeId, parsePoolId } from "../../shared/ids.ts";
import { killItself } from "../../shared/kill-itself.ts";
import { processLog } from "../../shared/process-log.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemSockets } from "../../shared/sockets.ts";
import { warnOfOpenStandalone } from "../../shared/tls/open-listeners.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { lockDataFolder, type Unlock } from "../data-lock.ts";
import { StandalonePool } from "../standalone-pool.ts";
import { openStore } from "../store/sqlite-store.ts";
import { AppListener } from "./app-listener.ts";
import { AppServer } from "./app-server.ts";
import type { LoadedApp } from "./app.ts";
import type { Service } from "./service.ts";

export interface StandaloneOptions {
  readonly standalone: true;
  /** Folder of the process's own; made if it is absent. */
  readonly data: string;
  /** `host:port` to listen on; port 0 picks a free one. */
  readonly listen: string;
  /** Default: pino to standard output. */
  readonly log?: FastifyBaseLogger;
  /** Largest request body. Default: 8 MiB. */
  readonly bodyLimitBytes?: number;
  /** How long `close` lets requests finish. Default: 10 s. */
  readonly graceMs?: number;
}

interface Resolved extends StandaloneOptions {
  readonly log: FastifyBaseLogger;
}

const POOL = parsePoolId("main");
const GRACE_MS = 10_000;

export async function serveStandalone(app: LoadedApp, options: StandaloneOptions): Promise<Service> {
  const address = readAddress(options.listen);
  const log = options.log ?? processLog(parseNodeId("standalone"));
  const data = resolve(options.data);
  const unlock = lockDataFolder(data);
  try {
    return await openService({ ...options, log, data }, app, address, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function openService(options: Resolved, app: LoadedApp, address: Address, unlock: Unlock): Promise<Service> {
  const { log, graceMs = GRACE_MS } = options;
  const pool = openPool(options, app);
  try {
    const limit = options.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: options.bodyLimitBytes };
    const server = await AppServer.create({ access: pool, app, log, ...limit });
    const listener = new AppListener({ servers: [server], clock: systemClock, sockets: systemSockets, log });
    const bound = formatAddress(await listener.listen(address));
    pool.announce();
    warnOfOpenStandalone(address, log);
    log.info({ address: bound, app: app.name, lsn: pool.lsn }, "serving standalone: no vault, no failover");
    const close = async (): Promise<void> => {
      await listener.close(graceMs);
      pool.close();
      unlock();
    };
    let closed: Promise<void> | null = null;
    return { address: bound, close: () => (closed ??= close()) };
  } catch (error) {
    pool.close();
    throw error;
  }
}

/** In a folder of its own: this state has no journal, and must never be taken for a cluster's. */
function openPool({ data, log }: Resolved, app: LoadedApp): StandalonePool {
  const folder = join(data, "standalone");
  mkdirSync(folder, { recursive: true });
  const store = openStore({ file: join(folder, "state.db"), pool: POOL, durability: "full" });
  const fatal = (error: HotspareError): void => {
    log.fatal({ err: error }, "the local store failed: the process kills itself, so that nothing more is answered");
    killItself();
  };
  try {
    return StandalonePool.start({
      id: POOL,
      store,
      schema: app.schema,
      clock: systemClock,
      random: systemRandom,
      fatal,
    });
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Unlike the configuration's, this address may have port 0. */
function readAddress(listen: string): Address {
  const host = /^(.+):0$/.exec(listen)?.[1];
  const address = host === undefined ? parseAddress(listen) : parseAddress(`${host}:1`);
  if (address) return host === undefined ? address : { ...address, port: 0 };
  throw new HotspareError("HS_USAGE", { reason: `Cannot listen on ${JSON.stringify(listen)}: accepted is host:port` });
}
