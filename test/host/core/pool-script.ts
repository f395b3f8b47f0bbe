/**
 * A pool's core, played step by step: each line gives an event and sees what the core asks for. The journal that the
 * events show is a `Chain`, written as a primary would write it.
 */
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, parsePoolId, type BootId, type OriginId, type RecordId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import { slot } from "../../../shared/position.ts";
import type { PutResult } from "../../../shared/vault/vault.ts";
import type { Heir } from "../../../host/core/heir.ts";
import { initialPool, stepPool } from "../../../host/core/pool-core.ts";
import type {
  Effect,
  Order,
  OrderAnswer,
  PoolEvent,
  PoolState,
  Restored,
  Seed,
  Settings,
  Tenure,
} from "../../../host/core/pool-state.ts";
import { NO_NOTES, noteStep } from "../../../host/core/receipt-notes.ts";
import type { Run } from "../../../host/core/survey.ts";
import { Chain } from "../../shared/journal/records.ts";

export const SELF = parseNodeId("host-b");
export const ERROR = new HotspareError("HS_VAULT_IO", { action: "put", name: "it", reason: "test" });
const hex = (n: number): string => n.toString(16).padStart(32, "0");

/** A chain whose records up to `last` were written by `owner`: a fence, then batches. */
export function history(last: number, owner = "host-a"): Chain {
  const chain = new Chain();
  chain.fence(owner);
  while (chain.records.length < last) chain.batch();
  return chain;
}

/** The head of a chain after its first `last` records. */
export function headAt(chain: Chain, last: number): Head {
  const copy = new Chain(chain.origin);
  for (const sealed of chain.records.slice(0, last)) copy.follow(sealed);
  if (!copy.head) throw new Error("an empty chain has no head");
  return copy.head;
}

export class PoolScript {
  state: PoolState;
  /** What the host would put into its receipts. */
  notes = NO_NOTES;
  now = 0;
  /** What the last event asked for. */
  effects: readonly Effect[] = [];
  #tickets = 0;
  #seeds = 0x9000;

  constructor(changes: Partial<Settings> = {}) {
    this.state = initialPool({
      pool: parsePoolId("main"),
      self: SELF,
      bootId: hex(0xb007) as BootId,
      firstPreferred: false,
      orderable: true,
      takeoverTimeoutMs: 1000,
      surveyIntervalMs: 100,
      rejoin: "auto",
      schema: [],
      ...changes,
    });
  }

  /** A standby whose store holds `applied`. */
  static standby(applied: Head | null, changes: Partial<Settings> = {}): PoolScript {
    const script = new PoolScript(changes);
    script.started(applied);
    return script;
  }

  get phase(): PoolState["phase"]["type"] {
    return this.state.phase.type;
  }

  send(event: PoolEvent): readonly Effect[] {
    const step = stepPool(this.state, event, this.now);
    this.notes = noteStep(this.notes, this.state, step);
    this.state = step.state;
    this.effects = step.effects;
    return step.effects;
  }

  /** What is asked for now, and must be of that type. */
  asked<Type extends Effect["type"]>(type: Type): Effect & { type: Type } {
    const effect = this.effects.find((one): one is Effect & { type: Type } => one.type === type);
    if (!effect)
      throw new Error(`asked for ${this.effects.map((one) => one.type).join(", ") || "nothing"}, not ${type}`);
    return effect;
  }

  // --- Events ---------------------------------------------------------------------------------------------------------

  started(applied: Head | null, lastTenure: Tenure | null = null, heir: Heir | null = null): readonly Effect[] {
    return this.send({ type: "started", applied, lastTenure, heir, seed: this.seed() });
  }

  tick(afterMs = 0): readonly Effect[] {
    this.now += afterMs;
    return this.send({ type: "tick", seed: this.seed() });
  }

  surveyed(slots: readonly number[], checkpoints: readonly number[] = []): readonly Effect[] {
    const survey = { slots: slots.map(slot), checkpoints: checkpoints.map(slot) };
    return this.send({ type: "surveyed", call: this.asked("survey").call, survey, reason: "" });
  }

  unlistable(): readonly Effect[] {
    return this.send({ type: "surveyed", call: this.asked("survey").call, survey: null, reason: "no share" });
  }

  /** Answers the read from `records`; `stop` comes after the last of them. */
  read(records: readonly SealedRecord[], stop: Run["stop"] = null): readonly Effect[] {
    return this.send({ type: "read", call: this.asked("read").call, run: { records, stop } });
  }

  /** Answers the read with what the chain has in the slots that were asked for. */
  readFrom(chain: Chain): readonly Effect[] {
    const { from, to } = this.asked("read");
    return this.read(chain.records.slice(from - 1, to));
  }

  put(type: PutResult["type"]): readonly Effect[] {
    const { call } = this.asked("put");
    const result: PutResult = type === "created" || type === "exists" ? { type } : { type, error: ERROR };
    return this.send({ type: "put", call, result });
  }

  synced(error: HotspareError | null = null): readonly Effect[] {
    return this.send({ type: "synced", call: this.asked("sync").call, error });
  }

  /** The records that are to be applied are applied. */
  applied(): readonly Effect[] {
    const { call, steps } = this.asked("apply");
    return this.send({ type: "applied", call, head: steps.at(-1)!.head, failure: null });
  }

  /** They are applied up to `head`, and the next fails. */
  failsToApply(head: Head | null): readonly Effect[] {
    return this.send({ type: "applied", call: this.asked("apply").call, head, failure: "it does not apply" });
  }

  restored(result: Restored): readonly Effect[] {
    return this.send({ type: "restored", call: this.asked("restore").call, result });
  }

  opened(error: string | null = null): readonly Effect[] {
    return this.send({ type: "opened", call: this.asked("open").call, error, seed: this.seed() });
  }

  ordered(fence: RecordId | null): number {
    this.#tickets += 1;
    this.send({ type: "ordered", ticket: this.#tickets, order: this.order(fence) });
    return this.#tickets;
  }

  /** How the order with that ticket was answered by the last event. */
  answerTo(ticket: number): OrderAnswer | null {
    const answers = this.effects.filter((effect) => effect.type === "answer-order");
    return answers.find((effect) => effect.ticket === ticket)?.answer ?? null;
  }

  order(fence: RecordId | null): Order {
    const { id: seed, origin, wallMs } = this.seed();
    return { reason: "order", fence, orderedBy: null, cause: "test", votes: [], seed, origin, wallMs };
  }

  seed(): Seed {
    this.#seeds += 1;
    return { id: hex(this.#seeds) as RecordId, origin: hex(0xabc) as OriginId, wallMs: 0 };
  }

  // --- Whole ways -----------------------------------------------------------------------------------------------------

  /** Ordered at the head of `chain`, and as far as the put of the fence. */
  toFence(chain: Chain): this {
    this.ordered(chain.head?.fence.id ?? null);
    this.surveyed(chain.head ? [chain.head.slot] : []);
    if (chain.head) this.readFrom(chain);
    return this;
  }

  /** Its fence is published; the answer to the fresh listing is next. */
  toConfirm(chain: Chain): this {
    this.toFence(chain);
    chain.follow(this.asked("put").sealed);
    this.put("created");
    return this;
  }

  /** It serves in the next epoch after `chain`, which has its fence now. */
  toServing(chain: Chain): this {
    this.toConfirm(chain);
    this.surveyed([]);
    this.readFrom(chain);
    this.applied();
    this.opened();
    return this;
  }
}
