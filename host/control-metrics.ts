/** The metrics of a host, in Prometheus' text format. Those of the state are taken from the report when they are asked for. */
import { Counter, Gauge, Registry } from "prom-client";
import type { ClockOffset } from "../shared/wire/messages.ts";
import type { HostReport, PoolReport } from "../shared/wire/reports.ts";

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
  ["hotspare_lag_seconds", "Time since this host knew itself at the head of the journal", ({ lagMs }) => lagMs / 1000],
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
    "hotspare_quarantined",
    "1 while this host distrusts its own clock",
    ({ quarantined = null }) => Number(quarantined !== null),
  ],
];

export class ControlMetrics {
  readonly #registry = new Registry();
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

  get contentType(): string {
    return this.#registry.contentType;
  }

  countRefused(code: string): void {
    this.#refused.inc({ code });
  }

  text(report: HostReport, deviations: ReadonlyMap<string, ClockOffset>): Promise<string> {
    for (const { gauge, read } of this.#pools) {
      gauge.reset();
      for (const pool of report.pools) gauge.set({ pool: pool.pool }, read(pool));
    }
    for (const { gauge, read } of this.#host) gauge.set(read(report));
    this.#deviation.reset();
    for (const [peer, { offsetMs }] of deviations) this.#deviation.set({ peer }, offsetMs / 1000);
    this.#info.set({ host: report.host, boot_id: report.bootId, version: report.version }, 1);
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}
