/**
 * The process behind `hotspare host`: names the real clock and chance, logs, and stops in order on SIGTERM and SIGINT. A
 * second signal stops at once. What must not go on kills the process: `exit` would wait for a share that hangs.
 */
import type { Config } from "../shared/config/config.ts";
import { ConfigKeeper } from "../shared/config/config-keeper.ts";
import { DecidedConfig } from "../shared/config/decided-config.ts";
import { readSecret } from "../shared/config/read-secret.ts";
import { watchSecret } from "../shared/config/secret-watch.ts";
import { isHotspareError, reasonOf } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import { killItself } from "../shared/kill-itself.ts";
import { processLog } from "../shared/process-log.ts";
import { nextSignal } from "../shared/next-signal.ts";
import { systemRandom } from "../shared/random.ts";
import { ServiceManager } from "../shared/service-manager.ts";
import { KeyRing } from "../shared/signature/key-ring.ts";
import { systemClock } from "../shared/system-clock.ts";
import { startHost } from "./host.ts";
import { openHostNetworks } from "./host-networks.ts";
import { systemParts } from "./system-parts.ts";

/** Runs until it is told to stop; the process then exits with 0. @throws {HotspareError} what `startHost` throws. */
export async function runHost(config: Config, id: NodeId): Promise<void> {
  const log = processLog(id);
  const die = (error: unknown): void => {
    const code = isHotspareError(error) ? error.code : "HS_INTERNAL";
    log.fatal(
      { code, reason: reasonOf(error), stack: error instanceof Error ? error.stack : undefined },
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
  const status = (): string =>
    host.pools.map((pool) => `${pool.id}: ${pool.report(systemClock.monotonicMs()).role}`).join(", ");
  const manager = new ServiceManager({ env: process.env, pid: process.pid, clock: systemClock, log, status });
  manager.ready();
  const signal = await nextSignal();
  log.info({ signal }, "the host stops");
  void nextSignal().then(killItself);
  await Promise.all([manager.stopping(), keeper.stop(), decided.stop(), unwatchSecret(), unwatchTls()]);
  await host.stop();
  log.info({}, "the host has stopped");
  process.exit(0);
}
