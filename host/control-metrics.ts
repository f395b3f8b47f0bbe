/**
 * The metrics of a host, in Prometheus' text format. Those of the state are taken from the report when they are asked for; what
 * only the main thread can measure is as that said last.
 */
import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import type { NodeId } from "../shared/ids.ts";
import { processMetrics } from "../shared/process-metrics.ts";
import type { ClockOffset } from "../shared/wire/messages.ts";
import type { HostReport, PoolReport } from "../shared/wire/reports.ts";
import type { Measured } from "./control-link.ts";

/** Per pool; label `pool`. */
const POOL_GAUGES: readonly (readonly [string, string, (pool: PoolReport) => number])[] = [
  [
    "hotspare_is_primary",
    "1 if this host is primary and serves",
    (pool) => Number(pool.role === "primary" && pool.serving),
  ],
  ["hotspare_is_standby", "1 if this host is a standby", ({ role }) => Number(role === "standby")],
  ["hotspare_is_offline", "1 if this host takes no part in the pool", ({ role }) => Number(role === "offline")],
  ["hotspare_epoch", "Epoch of the newest fence applied", ({ fence }) => fence?.epoch ?? 0],
  ["hotspare_slot", "Slot of the last record applied", ({ slot }) => slot],
  ["hotspare_lsn", "Number of the last commit applied", ({ lsn }) => lsn],
  [
    "hotspare_lag_seconds",
    "Age of the last listing of the journal that this host has whole",
    ({ lagMs }) => lagMs / 1000,
  ],
  ["hotspare_taking_over", "1 while a takeover is under way", ({ takingOver }) => Number(takingOver)],
  ["hotspare_unfit", "1 if this host cannot be candidate", ({ unfit }) => Number(unfit !== null)],
  ["hotspare_alarm", "1 if something stops the pool on this host", ({ alarm }) => Number(alarm !== null)],
];

const HOST_GAUGES: readonly (readonly [string, string, (report: HostReport) => number])[] = [
  ["hotspare_main_tick_age_seconds", "Time since the main thread ticked", ({ mainTickAgeMs }) => mainTickAgeMs / 1000],
  ["hotspare_vault_probe_ok", "1 if the newest write probe of the vault was good", ({ probe }) => Number(probe.ok)],
  ["hotspare_vault_probe_age_seconds", "Age of the last good write probe", ({ probe }) => probe.ageMs / 1000],
  ["hotspare_vault_probe_latency_seconds", "Duration of the newest write probe", ({ probe }) => probe.latencyMs / 1000],
  [
    "hotspare_config_problem",
    "1 while the configuration file cannot be used",
    ({ configProblem = null }) => Number(configProblem !== null),
  ],
  [
    "hotspare_config_pending_restart",
    "Changes that wait for a restart",
    ({ pendingRestart = [] }) => pendingRestart.length,
  ],
  [
    "hotspare_quarantined",
    "1 while this host distrusts its own clock",
    ({ quarantined = null }) => Number(quarantined !== null),
  ],
];

/** Whoever has the secret can name itself as it likes. */
const MOST_PEERS = 1024;
/** A node that was not heard for so long is none any more. */
const FORGET_MS = 60 * 60_000;

export class ControlMetrics {
  readonly #registry = new Registry();
  /** From now on: what it counts begins here. */
  readonly #process = processMetrics();
  readonly #pools = POOL_GAUGES.map(([name, help, read]) => ({ gauge: this.#gauge(name, help, ["pool"]), read }));
  readonly #host = HOST_GAUGES.map(([name, help, read]) => ({ gauge: this.#gauge(name, help, []), read }));
  readonly #info = this.#gauge("hotspare_info", "1; the labels say which host, start and version", [
    "host",
    "boot_id",
    "version",
  ]);
  readonly #deviation = this.#gauge(
    "hotspare_clock_deviation_seconds",
    "How far this host's clock is ahead of the median, as the peer sees it",
    ["peer"],
  );
  readonly #refused = new Counter({
    name: "hotspare_messages_refused_total",
    help: "Messages of other nodes that were refused, by error code",
    labelNames: ["code"],
    registers: [this.#registry],
  });

  readonly #build = this.#gauge("hotspare_build_info", "1; the labels say which program runs, on which Node.js", [
    "version",
    "nodejs",
  ]);
  readonly #config = this.#gauge(
    "hotspare_config_info",
    "1; the label is the hash of the configuration that is in use",
    ["hash"],
  );
  readonly #seen = this.#gauge("hotspare_peer_last_seen_seconds", "Since the peer last asked how this host does", [
    "peer",
  ]);
  readonly #peers = new Map<NodeId, number>();
  #measured: { readonly metrics: Measured; readonly atMs: number } = { metrics: [], atMs: 0 };

  get contentType(): string {
    return this.#registry.contentType;
  }

  countRefused(code: string): void {
    this.#refused.inc({ code });
  }

  /** Another node has asked, in a message that is not repeated. */
  hearNode(peer: NodeId, nowMs: number): void {
    if (this.#peers.has(peer) || this.#peers.size < MOST_PEERS) this.#peers.set(peer, nowMs);
  }

  /** What the main thread has counted and measured by then. */
  hearMain(metrics: Measured, atMs: number): void {
    this.#measured = { metrics, atMs };
  }

  async text(report: HostReport, deviations: ReadonlyMap<string, ClockOffset>, nowMs: number): Promise<string> {
    this.#show(report, deviations);
    this.#showPeers(nowMs);
    const { metrics, atMs } = this.#measured;
    const measured = metrics.map((metric) => aged(metric as Metric, nowMs - atMs));
    return Registry.merge([this.#registry, this.#process, asRegistry(measured)]).metrics();
  }

  #show(report: HostReport, deviations: ReadonlyMap<string, ClockOffset>): void {
    for (const { gauge, read } of this.#pools) {
      gauge.reset();
      for (const pool of report.pools) gauge.set({ pool: pool.pool }, read(pool));
    }
    for (const { gauge, read } of this.#host) gauge.set(read(report));
    this.#deviation.reset();
    for (const [peer, { offsetMs }] of deviations) this.#deviation.set({ peer }, offsetMs / 1000);
    this.#info.set({ host: report.host, boot_id: report.bootId, version: report.version }, 1);
    this.#build.set({ version: report.version, nodejs: process.version }, 1);
    this.#config.reset();
    this.#config.set({ hash: report.configHash }, 1);
  }

  #showPeers(nowMs: number): void {
    this.#seen.reset();
    for (const [peer, atMs] of this.#peers) {
      if (nowMs - atMs > FORGET_MS) this.#peers.delete(peer);
      else this.#seen.set({ peer }, Math.max(0, nowMs - atMs) / 1000);
    }
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}

interface Metric {
  readonly name: string;
  readonly values: readonly { readonly value: number }[];
}

const asRegistry = (metrics: Measured): Registry => AggregatorRegistry.aggregate([[...metrics]]) as Registry;

/** Ages grow by themselves: a main thread that has stopped cannot look fresh. */
function aged(metric: Metric, byMs: number): Metric {
  if (!metric.name.endsWith("_age_seconds")) return metric;
  return { ...metric, values: metric.values.map((one) => ({ ...one, value: one.value + byMs / 1000 })) };
}
