/**
 * What prom-client measures of this process, and of the thread that asks: one registry of each for a thread, since what it
 * begins cannot be ended.
 */
import { collectDefaultMetrics, Registry } from "prom-client";

/** CPU time, memory, open files, start. The same from every thread. */
export const processMetrics = once(() => kept((name) => !isOfThread(name), UNUSED_MS));

/** Event loop and heap. */
export const threadMetrics = once(() => kept(isOfThread, LOOK_AT_LOOP_MS));

/** Both, for a process of one thread. */
export const ownMetrics = once(() => kept(() => true, LOOK_AT_LOOP_MS));

/** How often the delay of the event loop is looked at. */
const LOOK_AT_LOOP_MS = 20;
const UNUSED_MS = 24 * 60 * 60_000;

/** Left out: names that break Prometheus' rules, read from what Node.js keeps for itself. */
const isUnwanted = (name: string): boolean => name.startsWith("nodejs_active_");
/** The version is the program's. */
const isOfThread = (name: string): boolean => name.startsWith("nodejs_") && name !== "nodejs_version_info";

function kept(isKept: (name: string) => boolean, eventLoopMonitoringPrecision: number): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision });
  const names = register.getMetricsAsArray().map(({ name }) => name);
  for (const name of names) if (!isKept(name) || isUnwanted(name)) register.removeSingleMetric(name);
  return register;
}

function once<T>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}
