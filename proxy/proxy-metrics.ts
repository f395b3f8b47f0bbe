/** What the proxy knows, as numbers for Prometheus: gauges read when asked, failovers counted when they happen. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { NodeId } from "../shared/ids.ts";
import type { Note } from "./core/note.ts";
import type { OwnState } from "./core/own-sight.ts";
import type { ProxyStatus } from "./proxy-status.ts";

export interface ProxyMetrics {
  /** Counts what is to be counted of a change. */
  note(note: Note): void;
  /** A message of another node was refused with this code. */
  refused(code: string): void;
}

export interface ProxyMetricsSource {
  readonly register: Registry;
  readonly status: () => ProxyStatus;
  /** `seen`: milliseconds since each other node was last heard. */
  readonly state: () => {
    readonly own: Pick<OwnState, "program" | "configHash">;
    readonly seen: ReadonlyMap<NodeId, number>;
  };
}

const DURATION_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function proxyMetrics({ register, status, state }: ProxyMetricsSource): ProxyMetrics {
  const registers = [register];
  addGauges(registers, status);
  addNodeGauges(registers, { status, state });
  const failovers = new Counter({
    name: "hotspare_proxy_failover_total",
    help: "Times that a pool was served again after its primary was lost",
    labelNames: ["pool", "reason"],
    registers,
  });
  const seconds = new Histogram({
    name: "hotspare_proxy_failover_duration_seconds",
    help: "From the first sign of the loss",
    labelNames: ["pool", "phase"],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const refused = new Counter({
    name: "hotspare_messages_refused_total",
    help: "Messages of other nodes that were refused, by error code",
    labelNames: ["code"],
    registers,
  });
  return {
    refused: (code) => refused.inc({ code }),
    note: (note) => {
      if (note.type !== "served" || note.phases === null) return;
      const { pool, phases } = note;
      failovers.inc({ pool, reason: phases.cause });
      seconds.observe({ pool, phase: "detected" }, phases.detectedMs / 1000);
      seconds.observe({ pool, phase: "agreed" }, phases.agreedMs / 1000);
      seconds.observe({ pool, phase: "ordered" }, phases.orderedMs / 1000);
      seconds.observe({ pool, phase: "serving" }, phases.servingMs / 1000);
      seconds.observe({ pool, phase: "total" }, phases.totalMs / 1000);
    },
  };
}

function addGauges(registers: Registry[], status: () => ProxyStatus): void {
  gauge(registers, "hotspare_proxy_pool_epoch", "Newest epoch that serves", ["pool"], (set) => {
    for (const { id, epoch } of status().pools) set({ pool: id }, epoch);
  });
  gauge(registers, "hotspare_proxy_pool_serving", "1 while the pool has a primary", ["pool"], (set) => {
    for (const { id, state } of status().pools) set({ pool: id }, state === "serving" ? 1 : 0);
  });
  gauge(registers, "hotspare_proxy_parked_requests", "Requests that wait for a primary", ["pool"], (set) => {
    for (const { id, parked } of status().pools) set({ pool: id }, parked);
  });
  gauge(registers, "hotspare_proxy_standby_lag_slots", "Records that a standby lacks", ["pool", "host"], (set) => {
    for (const { id: pool, slot, standbys } of status().pools) {
      for (const { host, slot: at } of standbys) if (slot !== null) set({ pool, host }, Math.max(0, slot - at));
    }
  });
  gauge(registers, "hotspare_proxy_host_up", "1 while the host is up, as this proxy sees it", ["host"], (set) => {
    for (const { id, health } of status().hosts) set({ host: id }, health === "up" ? 1 : 0);
  });
  gauge(registers, "hotspare_proxy_agrees", "1 while the peer sees primaries as this proxy does", ["peer"], (set) => {
    const { proxies, self } = status();
    for (const { id: peer, agrees } of proxies) if (peer !== self && agrees !== null) set({ peer }, agrees ? 1 : 0);
  });
  addConfigGauges(registers, status);
  gauge(registers, "hotspare_maintenance", "1 while no takeover is ordered because of maintenance", [], (set) =>
    set({}, status().maintenance === null ? 0 : 1),
  );
  gauge(registers, "hotspare_offline", "1 while an operator has taken the node out", ["node"], (set) => {
    const { hosts, proxies } = status();
    for (const { id: node, offline } of [...hosts, ...proxies]) set({ node }, offline === null ? 0 : 1);
  });
  addClockGauges(registers, status);
}

function addConfigGauges(registers: Registry[], status: () => ProxyStatus): void {
  const own = (): ProxyStatus["proxies"][number] | undefined => status().proxies.find(({ id }) => id === status().self);
  gauge(registers, "hotspare_config_problem", "1 while the configuration file cannot be used", [], (set) =>
    set({}, (own()?.configProblem ?? null) === null ? 0 : 1),
  );
  gauge(registers, "hotspare_config_pending_restart", "Changes that wait for a restart", [], (set) =>
    set({}, own()?.pendingRestart.length ?? 0),
  );
}

function addNodeGauges(registers: Registry[], { status, state }: Pick<ProxyMetricsSource, "status" | "state">): void {
  const addInfo = (name: string, help: string, labels: () => Record<string, string>): void =>
    gauge(registers, name, help, Object.keys(labels()), (set) => set(labels(), 1));
  addInfo("hotspare_proxy_info", "1; the label says which proxy", () => ({ proxy: status().self }));
  addInfo("hotspare_build_info", "1; the labels say which program runs, on which Node.js", () => ({
    version: state().own.program,
    nodejs: process.version,
  }));
  addInfo("hotspare_config_info", "1; the label is the hash of the configuration that is in use", () => ({
    hash: state().own.configHash,
  }));
  gauge(registers, "hotspare_peer_last_seen_seconds", "Since the peer was last heard", ["peer"], (set) => {
    for (const [peer, ms] of state().seen) set({ peer }, ms / 1000);
  });
}

function addClockGauges(registers: Registry[], status: () => ProxyStatus): void {
  const add = (name: string, help: string, figure: ClockFigure): void =>
    gauge(registers, name, help, ["peer"], (set) => {
      const { hosts, proxies, self } = status();
      for (const { id: peer, [figure]: ms } of [...hosts, ...proxies])
        if (peer !== self && ms !== null) set({ peer }, ms / 1000);
    });
  add("hotspare_clock_offset_seconds", "How far the peer's clock is ahead of this proxy's", "clockOffsetMs");
  add("hotspare_clock_error_seconds", "How wrong that may be at most", "clockErrorMs");
  gauge(registers, "hotspare_quarantined", "1 while this proxy distrusts its own clock", [], (set) => {
    const { proxies, self } = status();
    set({}, proxies.some(({ id, quarantined }) => id === self && quarantined !== null) ? 1 : 0);
  });
}

type ClockFigure = "clockOffsetMs" | "clockErrorMs";

type Set = (labels: Record<string, string>, value: number) => void;

function gauge(
  registers: Registry[],
  name: string,
  help: string,
  labelNames: string[],
  fill: (set: Set) => void,
): void {
  const made: Gauge = new Gauge({
    name,
    help,
    labelNames,
    registers,
    collect: () => {
      made.reset();
      fill((labels, value) => made.set(labels, value));
    },
  });
}
