/**
 * Checkpoints and cleaning of a simulated primary: a snapshot of its store at its head now and then; what may be deleted
 * says the production plan.
 */
import type { Sha256 } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import {
  mayDelete,
  planRetention,
  type CheckpointFact,
  type RetentionPlan,
} from "../../../host/core/retention-plan.ts";
import type { Survey } from "../../../host/core/survey.ts";
import type { SimHost } from "./sim-host.ts";
import type { World } from "./world.ts";

const CLEAN_EVERY_MS = 100;
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

  /** The next checkpoint is due now. */
  hurry(): void {
    this.#lastSlot = -Infinity;
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

  /** As the production cleaner: nothing rests on a checkpoint whose name was not synced and found again. */
  #clean(): void {
    this.#running = true;
    this.#list((first) => {
      const plan = first && this.#plan(first);
      if (!plan || plan.type !== "clean") return this.#end();
      this.#host.vault.syncCheckpoints((synced) => {
        if (!synced) return this.#end();
        this.#list((second) => {
          this.#end();
          const listed = new Set(second?.checkpoints);
          if (second && plan.retained.every(({ slot: at }) => listed.has(at))) this.#execute(plan, second);
        });
      });
    });
  }

  #end(): void {
    this.#running = false;
  }

  #list(done: (survey: Survey | null) => void): void {
    this.#host.vault.survey(slot(1), (survey) => done(this.#host.serving ? survey : null));
  }

  #plan(survey: Survey): RetentionPlan {
    const { scheduler, swarm } = this.#world;
    return planRetention({
      nowMs: scheduler.nowMs,
      cleanDelayMs: swarm.cleanDelayMs,
      keep: 2,
      headSlot: this.#host.disk.store.head?.slot ?? slot(0),
      checkpoints: survey.checkpoints.map((at) => this.#fact(at)),
      disagreement: null,
    });
  }

  #execute({ horizon, obsolete }: RetentionPlan & { type: "clean" }, { slots }: Survey): void {
    const { vault } = this.#host;
    for (const at of slots) if (this.#mayDelete(at, horizon)) vault.remove(at);
    for (const { slot: at } of obsolete) vault.removeCheckpoint(at);
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
    return mayDelete(entry.content.record, horizon, new Set());
  }
}
