/** Who runs on which core: the proxy alone on one, what surrounds it elsewhere, as far as the machine has cores. */
import { readFileSync } from "node:fs";
import { TICK_MS } from "./process-cost.ts";

export interface Cores {
  /** Of a proxy with one worker. */
  readonly proxy: number;
  readonly upstream: number;
  readonly generator: number;
  /** Of a proxy with two workers. */
  readonly pair: readonly [number, number];
}

/** Those that this process may use. */
export function allowedCores(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return parseCores(list);
}

/** @param list as the kernel writes it, such as `0-2,5`. */
export function parseCores(list: string): readonly number[] {
  return list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

export function placeOnCores(allowed: readonly number[]): Cores {
  const [proxy = 0, upstream = proxy, generator = upstream, second = upstream] = allowed;
  return { proxy, upstream, generator, pair: [proxy, second] };
}

/** How long this core has worked since the machine started, for whomever. */
export function busyMs(core: number): number {
  const line = new RegExp(`^cpu${core} +(.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(" ").map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

/** For the report. */
export function coresText({ proxy, upstream, generator, pair }: Cores): string {
  const around =
    upstream === generator
      ? `upstream and generator share core ${upstream}`
      : `upstream ${upstream}, generator ${generator}`;
  const shared = pair[1] === upstream ? ", which it shares with the upstream" : "";
  return `each proxy on core ${proxy}; ${around}; Hotspare with 2 workers on cores ${pair.join(" and ")}${shared}`;
}
