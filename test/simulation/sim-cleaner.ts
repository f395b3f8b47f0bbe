/**
 * Checkpoints and cleaning of a simulated primary: a snapshot of its store at its head now and then; what may be deleted
 * says the production plan.
 */
import type { Sha256 } from "../../shared/ids.ts";
import { slot } from "../../shared/position.ts";
import { mayDelete, planRetention, type CheckpointFact } from "../../host/core/retention-plan.ts";
import type { SimHost } from "./sim-host.ts";
import type { World } from "./world.ts";

const CLEAN_EVERY_MS = 300;
const HASH = "0".repeat(64) as Sha256;

export class SimCleaner {
  readonly #world: World;
  readonly #host: SimHost;
  /** When this process first saw each checkpoint. */
  #seen = new Map<number, number>();
  #lastSlot = 0;
  #running = false;
  #cleanAtMs = 0;

  constructor(world: World, host: SimHost) {
    this.#world = world;
    this.#host = host;
  }

  begin(): void {
    this.#seen = new Map();
    this.#running = false;
    this.#lastSlot = 0;
  }

  tick(): void {
    const { scheduler, swarm } = this.#world;
    const { head } = this.#host.disk.store;
    if (!this.#host.serving || !head || this.#running) return;
    if (head.slot - this.#lastSlot >= swarm.checkpointEverySlots) return this.#publish(head.slot);
    if (scheduler.nowMs < this.#cleanAtMs) return;
    this.#cleanAtMs = scheduler.nowMs + CLEAN_EVERY_MS;
    this.#clean();
  }

  #publish(at: number): void {
    this.#running = true;
    this.#lastSlot = at;
    this.#host.vault.putCheckpoint(at, this.#host.disk.store.snapshot(), () => {
      this.#running = false;
    });
  }

  #clean(): void {
    const { vault } = this.#host;
    this.#running = true;
    vault.survey(slot(1), (survey) => {
      this.#running = false;
      const { head } = this.#host.disk.store;
      if (!survey || !head || !this.#host.serving) return;
      const plan = planRetention({
        nowMs: this.#world.scheduler.nowMs,
        cleanDelayMs: this.#world.mutant === "clean without waiting" ? 0 : this.#world.swarm.cleanDelayMs,
        keep: 2,
        headSlot: head.slot,
        checkpoints: survey.checkpoints.map((at) => this.#fact(at)),
        disagreement: null,
      });
      if (plan.type !== "clean") return;
      for (const at of survey.slots) if (this.#mayDelete(at, plan.horizon)) vault.remove(at);
      for (const { slot: at } of plan.obsolete) vault.removeCheckpoint(at);
    });
  }

  #fact(at: number): CheckpointFact {
    const { nowMs } = this.#world.scheduler;
    if (!this.#seen.has(at)) this.#seen.set(at, nowMs);
    const firstSeenMs = this.#seen.get(at) ?? nowMs;
    return { slot: slot(at), stateHash: HASH, firstSeenMs, verified: true, attested: true };
  }

  #mayDelete(at: number, horizon: ReturnType<typeof slot>): boolean {
    const entry = this.#world.vault.journal.get(at);
    if (!entry || entry.corrupt) return false;
    if (this.#world.mutant === "delete fences when cleaning") return at < horizon;
    return mayDelete(entry.content.record, horizon, new Set());
  }
}
