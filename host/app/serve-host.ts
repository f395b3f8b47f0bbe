/** An application as one host of a cluster, inside a process of the user's own. */
import { resolve } from "node:path";
import { formatAddress } from "../../shared/config/config.ts";
import { ConfigKeeper } from "../../shared/config/config-keeper.ts";
import { DecidedConfig } from "../../shared/config/decided-config.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { readSecret } from "../../shared/config/read-secret.ts";
import { watchSecret } from "../../shared/config/secret-watch.ts";
import { isHotspareError, reasonOf } from "../../shared/errors.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { killItself } from "../../shared/kill-itself.ts";
import { processLog } from "../../shared/process-log.ts";
import { systemRandom } from "../../shared/random.ts";
import { KeyRing } from "../../shared/signature/key-ring.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { startHost } from "../host.ts";
import { openHostNetworks } from "../host-networks.ts";
import { systemParts } from "../system-parts.ts";
import type { LoadedApp } from "./app.ts";
import type { Service } from "./service.ts";

export interface HostServeOptions {
  /** Id of the host in the configuration. */
  readonly host: string;
  /** Path of `hotspare.yaml`. The application is this one, whatever is named there. */
  readonly config: string;
}

export async function serveHost(app: LoadedApp, options: HostServeOptions): Promise<Service> {
  const id = parseNodeId(options.host);
  const config = loadConfig(resolve(options.config), process.env);
  const log = processLog(id);
  // What must not go on must not answer either, and `exit` would wait for a share that hangs.
  const die = (error: unknown): void => {
    log.fatal(
      { code: isHotspareError(error) ? error.code : "HS_INTERNAL", reason: reasonOf(error) },
      "the host kills itself",
    );
    killItself();
  };
  const secret = new KeyRing(readSecret(config.secret, process.env), systemClock);
  const networks = await openHostNetworks(config, id, log);
  const decided = new DecidedConfig({ file: config.file, env: process.env, clock: systemClock, log });
  const host = await startHost({
    onDecided: decided.decided,
    config,
    id,
    secret,
    clock: systemClock,
    random: systemRandom,
    log,
    die,
    parts: systemParts(networks),
    app,
  });
  const keeper = new ConfigKeeper({
    config,
    owner: { kind: "host", id },
    env: process.env,
    clock: systemClock,
    log,
    effective: decided.effective,
    apply: (standing) => host.configure(standing),
  });
  decided.follow(keeper);
  keeper.start();
  const unwatchSecret = watchSecret({ source: config.secret, keys: secret, clock: systemClock, log });
  const unwatchTls = networks.watch();
  const close = async (): Promise<void> => {
    await Promise.all([keeper.stop(), decided.stop(), unwatchSecret(), unwatchTls()]);
    await host.stop();
  };
  return { address: formatAddress(host.addresses.listen), close };
}
