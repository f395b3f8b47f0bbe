/**
 * The process behind `hotspare host`: logs, tells the service manager, and stops in order on SIGTERM and SIGINT. A second
 * signal stops at once.
 */
import type { Config } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import { killItself } from "../shared/kill-itself.ts";
import { processLog } from "../shared/process-log.ts";
import { nextSignal } from "../shared/next-signal.ts";
import { ServiceManager } from "../shared/service-manager.ts";
import { systemClock } from "../shared/system-clock.ts";
import { startLiveHost } from "./live-host.ts";

/** Runs until it is told to stop; the process then exits with 0. @throws {HotspareError} what `startLiveHost` throws. */
export async function runHost(config: Config, id: NodeId): Promise<void> {
  const log = processLog(id);
  const { host, stop } = await startLiveHost({ config, id, log });
  const status = (): string =>
    host.pools.map((pool) => `${pool.id}: ${pool.report(systemClock.monotonicMs()).role}`).join(", ");
  const manager = new ServiceManager({ env: process.env, pid: process.pid, clock: systemClock, log, status });
  manager.ready();
  const signal = await nextSignal();
  log.info({ signal }, "the host stops");
  void nextSignal().then(killItself);
  await Promise.all([manager.stopping(), stop()]);
  log.info({}, "the host has stopped");
  process.exit(0);
}
