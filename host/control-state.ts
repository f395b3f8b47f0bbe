/**
 * What the control thread knows of its host, from which it answers without asking the main thread. Ages grow by
 * themselves: a main thread that has stopped cannot look fresh. Also what others say of the host's clock: the quarantine
 * that follows must not need the main thread either.
 */
import { NO_QUARANTINE, stepQuarantine, type Quarantine, type QuarantineEvent } from "../shared/clocks/quarantine.ts";
import type { NodeId } from "../shared/ids.ts";
import { NO_DECISIONS, type Decisions } from "../shared/revisions/decisions.ts";
import type { ClockOffset } from "../shared/wire/messages.ts";
import type { HostReport, PoolReport } from "../shared/wire/reports.ts";
import type { ControlTuning, HostIdentity, VaultProbe } from "./control-link.ts";
import { RECORD_FORMATS } from "../shared/journal/record-formats.ts";

const MICROS_PER_MS = 1000;

/** Written by the main thread, read by the control thread, without either waiting for the other. */
export function writeTick(tick: BigInt64Array, nowMs: number): void {
  Atomics.store(tick, 0, BigInt(Math.round(nowMs * MICROS_PER_MS)));
}

export interface ControlStateOptions {
  readonly identity: HostIdentity;
  readonly tick: BigInt64Array;
  readonly startedMs: number;
  /** What it begins with. */
  readonly tuning: ControlTuning;
  /** Told when it changes; `null`: the clock is trusted again. */
  readonly onQuarantine: (reason: string | null) => void;
}

export class ControlState {
  readonly #options: ControlStateOptions;
  #pools: { readonly pools: readonly PoolReport[]; readonly atMs: number } = { pools: [], atMs: 0 };
  #probe: { readonly probe: VaultProbe; readonly atMs: number };
  #quarantine: Quarantine = NO_QUARANTINE;
  #decisions: Decisions = NO_DECISIONS;
  #tuning: ControlTuning;

  constructor(options: ControlStateOptions) {
    this.#options = options;
    this.#tuning = options.tuning;
    this.#probe = { probe: { ok: false, ageMs: 0, latencyMs: 0 }, atMs: options.startedMs };
  }

  get tuning(): ControlTuning {
    return this.#tuning;
  }

  configure(tuning: ControlTuning): void {
    this.#tuning = tuning;
  }

  setPools(pools: readonly PoolReport[], atMs: number): void {
    this.#pools = { pools, atMs };
  }

  setProbe(probe: VaultProbe, atMs: number): void {
    this.#probe = { probe, atMs };
  }

  setDecisions(decisions: Decisions): void {
    this.#decisions = decisions;
  }

  /** What operations decided, for somebody who knows `revision`; `null`: that one knows it, or does not ask. */
  decisionsFor(revision: number | undefined): Decisions | null {
    return revision !== undefined && revision < this.#decisions.revision ? this.#decisions : null;
  }

  /** Whether somebody who knows `revision` knows more than this host has read. */
  isBehind(revision: number | undefined): boolean {
    return revision !== undefined && revision > this.#decisions.revision;
  }

  /** What another node says of this host's clock; `null`: it cannot say. */
  hearClock(from: NodeId, deviation: ClockOffset | null, nowMs: number): void {
    this.#stepQuarantine({ type: "heard", from, deviation }, nowMs);
  }

  /** How far this host's clock is ahead of the median, as each of those says that were heard lately. */
  clockDeviations(): ReadonlyMap<string, ClockOffset> {
    return new Map([...this.#quarantine.voices].map(([from, { deviation }]) => [from, deviation]));
  }

  pool(id: string): PoolReport | null {
    return this.#pools.pools.find(({ pool }) => pool === id) ?? null;
  }

  report(nowMs: number): HostReport {
    this.#stepQuarantine({ type: "tick" }, nowMs);
    const { identity, tick } = this.#options;
    const tickMs = Number(Atomics.load(tick, 0)) / MICROS_PER_MS;
    const { pools, atMs } = this.#pools;
    const { probe } = this.#probe;
    return {
      ...identity,
      ...this.#tuning.standing,
      mainTickAgeMs: Math.max(0, nowMs - tickMs),
      probe: { ...probe, ageMs: probe.ageMs + Math.max(0, nowMs - this.#probe.atMs) },
      pools: pools.map((pool) => aged(pool, Math.max(0, nowMs - atMs))),
      quarantined: this.#quarantine.reason,
      revision: this.#decisions.revision,
      node: process.versions.node,
      formats: { records: RECORD_FORMATS },
    };
  }

  #stepQuarantine(event: QuarantineEvent, nowMs: number): void {
    const before = this.#quarantine.reason;
    this.#quarantine = stepQuarantine(this.#quarantine, event, nowMs, this.#tuning.quarantine);
    const { reason } = this.#quarantine;
    if (reason !== before) this.#options.onQuarantine(reason);
  }
}

/** A primary is the head of the journal; anybody else was at the head only when it last said so. */
const aged = (pool: PoolReport, ageMs: number): PoolReport =>
  pool.role === "primary" ? pool : { ...pool, lagMs: pool.lagMs + ageMs };
