/**
 * Runs an application from a user's own `main`, as the command line does. Standalone: one process, no vault, no failover;
 * the same application, pool and answers as on a cluster.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pino } from "pino";
import type { FastifyBaseLogger } from "fastify";
import { formatAddress, type Address } from "../../shared/config/config.ts";
import { parseAddress } from "../../shared/config/parse-address.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parsePoolId } from "../../shared/ids.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { lockDataFolder, type Unlock } from "../data-lock.ts";
import { StandalonePool } from "../standalone-pool.ts";
import { openStore } from "../store/sqlite-store.ts";
import { AppListener } from "./app-listener.ts";
import { AppServer } from "./app-server.ts";
import type { AppModule, LoadedApp } from "./app.ts";
import { checkApp, loadApp } from "./load-app.ts";

export interface ServeOptions {
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

export interface Service {
  /** `host:port`, with the port that was given. */
  readonly address: string;
  /** Stops accepting, finishes what is under way, closes the state. Idempotent. */
  close(): Promise<void>;
}

const POOL = parsePoolId("main");
const GRACE_MS = 10_000;

/**
 * `app` is `spaces`, an absolute path or a package's name, or the module itself (`import * as app from "./app.ts"`).
 *
 * @throws {HotspareError} HS_APP_INVALID, HS_SCHEMA_REFUSED, HS_SCHEMA_UNKNOWN, HS_DATA_LOCKED, HS_DATA_UNSUITABLE,
 *   HS_PORT_TAKEN, HS_USAGE. Nothing is left open then.
 */
export async function serve(app: string | AppModule, options: ServeOptions): Promise<Service> {
  const address = readAddress(options.listen);
  const log = options.log ?? pino();
  const loaded = typeof app === "string" ? await loadApp(app, process.cwd()) : checkApp("the given module", app);
  const data = resolve(options.data);
  const unlock = lockDataFolder(data);
  try {
    return await openService({ ...options, log, data }, loaded, address, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

interface Resolved extends ServeOptions {
  readonly log: FastifyBaseLogger;
}

async function openService(options: Resolved, app: LoadedApp, address: Address, unlock: Unlock): Promise<Service> {
  const { log, graceMs = GRACE_MS } = options;
  const pool = openPool(options, app);
  try {
    const limit = options.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: options.bodyLimitBytes };
    const server = await AppServer.create({ access: pool, app, log, ...limit });
    const listener = new AppListener({ servers: [server], clock: systemClock, log });
    const bound = formatAddress(await listener.listen(address));
    pool.announce();
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
    log.fatal({ err: error }, "the local store failed: ending, so that nothing more is answered");
    process.exit(EXIT_STORE_FAILED);
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

/** sysexits: EX_IOERR. */
const EXIT_STORE_FAILED = 74;

/** Unlike the configuration's, this address may have port 0. */
function readAddress(listen: string): Address {
  const host = /^(.+):0$/.exec(listen)?.[1];
  const address = host === undefined ? parseAddress(listen) : parseAddress(`${host}:1`);
  if (address) return host === undefined ? address : { ...address, port: 0 };
  throw new HotspareError("HS_USAGE", { reason: `Cannot listen on ${JSON.stringify(listen)}: accepted is host:port` });
}
