/**
 * What all workers counted, summed. A sum of counters must never go down, or it would look as if everything had been counted
 * anew: what a worker said before it ended is kept, and so is what one said last that does not answer now.
 */
import { AggregatorRegistry, Counter, Gauge, type Registry } from "prom-client";
import type { Metrics } from "./worker-messages.ts";

export class WorkerMetrics {
  readonly #last = new Map<number, Metrics>();
  #departed: readonly Metrics[] = [];

  /** @param worker its number. */
  note(worker: number, metrics: Metrics): void {
    this.#last.set(worker, metrics);
  }

  /** The next process of that number counts from 0. */
  ended(worker: number): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    // What a gauge showed ended with the process.
    if (last !== undefined) this.#departed = [...this.#departed, last.filter((metric) => !isGauge(metric))];
  }

  async sum(): Promise<Registry> {
    const folded = this.#departed;
    if (folded.length > 1) {
      const one = await aggregate(folded).getMetricsAsJSON();
      // Others may have ended meanwhile.
      this.#departed = [one, ...this.#departed.filter((metrics) => !folded.includes(metrics))];
    }
    return aggregate([...this.#departed, ...this.#last.values()]);
  }
}

const isGauge = (metric: object): boolean => (metric as { readonly type?: unknown }).type === "gauge";

const aggregate = (all: readonly Metrics[]): Registry => AggregatorRegistry.aggregate([...all]);

/** What a worker's own process uses. */
export function addWorkerUse(register: Registry): void {
  const registers = [register];
  const cpu: Counter = new Counter({
    name: "hotspare_proxy_worker_cpu_seconds_total",
    help: "CPU time of the worker processes",
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  const memory: Gauge = new Gauge({
    name: "hotspare_proxy_worker_resident_memory_bytes",
    help: "Memory of the worker processes",
    registers,
    collect: () => memory.set(process.memoryUsage.rss()),
  });
}

/** How many workers there are, as the parent sees it. */
export function addWorkerCounts(
  register: Registry,
  { serving, restarts }: { readonly serving: () => number; readonly restarts: () => number },
): void {
  const registers = [register];
  const gauge: Gauge = new Gauge({
    name: "hotspare_proxy_workers",
    help: "Worker processes that take connections",
    registers,
    collect: () => gauge.set(serving()),
  });
  const counter: Counter = new Counter({
    name: "hotspare_proxy_worker_restarts_total",
    help: "Worker processes that were started again after one had ended",
    registers,
    collect: () => {
      counter.reset();
      counter.inc(restarts());
    },
  });
}
