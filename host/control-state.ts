/**
 * What the control thread knows of its host, from which it answers without asking the main thread. Ages grow by
 * themselves: a main thread that has stopped cannot look fresh.
 */
import type { HostReport, PoolReport } from "../shared/wire/messages.ts";
import type { HostIdentity, VaultProbe } from "./control-link.ts";

const MICROS_PER_MS = 1000;

/** Written by the main thread, read by the control thread, without either waiting for the other. */
export function writeTick(tick: BigInt64Array, nowMs: number): void {
  Atomics.store(tick, 0, BigInt(Math.round(nowMs * MICROS_PER_MS)));
}

export class ControlState {
  readonly #identity: HostIdentity;
  readonly #tick: BigInt64Array;
  #pools: { readonly pools: readonly PoolReport[]; readonly atMs: number } = { pools: [], atMs: 0 };
  #probe: { readonly probe: VaultProbe; readonly atMs: number };

  constructor(identity: HostIdentity, tick: BigInt64Array, startedMs: number) {
    this.#identity = identity;
    this.#tick = tick;
    this.#probe = { probe: { ok: false, ageMs: 0, latencyMs: 0 }, atMs: startedMs };
  }

  setPools(pools: readonly PoolReport[], atMs: number): void {
    this.#pools = { pools, atMs };
  }

  setProbe(probe: VaultProbe, atMs: number): void {
    this.#probe = { probe, atMs };
  }

  pool(id: string): PoolReport | null {
    return this.#pools.pools.find(({ pool }) => pool === id) ?? null;
  }

  report(nowMs: number): HostReport {
    const tickMs = Number(Atomics.load(this.#tick, 0)) / MICROS_PER_MS;
    const { pools, atMs } = this.#pools;
    const { probe } = this.#probe;
    return {
      ...this.#identity,
      mainTickAgeMs: Math.max(0, nowMs - tickMs),
      probe: { ...probe, ageMs: probe.ageMs + Math.max(0, nowMs - this.#probe.atMs) },
      pools: pools.map((pool) => aged(pool, Math.max(0, nowMs - atMs))),
    };
  }
}

/** A primary is the head of the journal; anybody else was at the head only when it last said so. */
const aged = (pool: PoolReport, ageMs: number): PoolReport =>
  pool.role === "primary" ? pool : { ...pool, lagMs: pool.lagMs + ageMs };
