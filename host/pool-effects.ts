/**
 * Performs what a pool's core asks for, and reports what came of it. One `switch`; each arm either answers by an event
 * with the effect's call number, or cannot fail. Whatever it throws that is no outcome breaks an invariant: the node stops.
 */
import type { Clock } from "../shared/clock.ts";
import { assert, HotspareError, isHotspareError, isUndurable, reasonOf } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Slot } from "../shared/position.ts";
import { recordName } from "../shared/vault/layout.ts";
import type { PutResult, Vault } from "../shared/vault/vault.ts";
import type { Committer } from "./committer.ts";
import type { Effect, OrderAnswer, PoolEvent, PoolState, Restored, Seed } from "./core/pool-state.ts";
import type { Step } from "./core/survey.ts";
import type { JournalReader } from "./journal-reader.ts";
import type { LocalCopy } from "./local-copy.ts";
import type { PoolHooks } from "./pool-hooks.ts";
import type { SchemaEntry } from "./store/store.ts";

interface Options {
  readonly id: PoolId;
  readonly vault: Vault;
  readonly copy: LocalCopy;
  readonly schema: readonly SchemaEntry[];
  readonly clock: Clock;
  readonly onPublished?: ((durationMs: number) => void) | undefined;
  readonly hooks: PoolHooks;
  readonly log: Log;
  readonly reader: JournalReader;
  readonly committer: Committer;
  readonly signal: AbortSignal;
  readonly die: (error: unknown) => void;
  readonly state: () => PoolState;
  readonly dispatch: (event: PoolEvent) => void;
  readonly answer: (ticket: number, answer: OrderAnswer) => void;
  readonly changed: () => void;
  readonly seed: () => Seed;
  /** No listing of this process can be made durable any more. */
  readonly distrust: (error: unknown) => void;
}

export class PoolEffects {
  readonly #options: Options;
  #trouble: string | null = null;

  constructor(options: Options) {
    this.#options = options;
  }

  perform(effect: Effect): void {
    switch (effect.type) {
      case "survey":
        return this.#survey(effect.call, effect.from);
      case "read":
        return this.#run(async () => {
          this.#options.dispatch({
            type: "read",
            call: effect.call,
            run: await this.#options.reader.read(effect.from, effect.to),
          });
        });
      case "sync":
        return this.#sync(effect.call, effect.slot);
      case "put":
        return this.#put(effect);
      case "apply":
        return this.#run(() => this.#apply(effect.call, effect.steps));
      case "restore":
        return this.#run(() => this.#restore(effect));
      case "open":
        return this.#run(() => this.#open(effect.call));
      case "commit":
        return this.#options.committer.commit(effect.head);
      case "discard":
        this.#options.committer.discard(effect.outcome);
        return this.leaveTenure();
      case "answer-order":
        return this.#options.answer(effect.ticket, effect.answer);
    }
  }

  /** Whatever an effect throws that is no outcome breaks an invariant: the node stops. */
  #run(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (!this.#options.signal.aborted) this.#options.die(error);
    });
  }

  #survey(call: number, from: Slot): void {
    this.#options.reader.survey(from).then(
      (survey) => {
        this.#noteVault(null);
        this.#options.dispatch({ type: "surveyed", call, survey, reason: "" });
      },
      (error: unknown) => {
        if (isUndurable(error)) this.#options.distrust(error);
        this.#noteVault(reasonOf(error));
        this.#options.dispatch({ type: "surveyed", call, survey: null, reason: reasonOf(error) });
      },
    );
  }

  /** Told when it changes, not each time: a share that is away is asked again and again. */
  #noteVault(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble === null) this.#options.log.info({}, "the vault can be listed again");
    else this.#options.log.warn({ reason: trouble }, "the vault cannot be listed");
  }

  #sync(call: number, at: Slot): void {
    this.#options.reader.sync(at).then(
      () => this.#options.dispatch({ type: "synced", call, error: null }),
      (error: unknown) => this.#options.dispatch({ type: "synced", call, error: asVaultError(error) }),
    );
  }

  #put({ call, sealed }: Effect & { type: "put" }): void {
    const name = recordName(this.#options.id, sealed.record.header.slot);
    const { clock, onPublished } = this.#options;
    const beganMs = clock.monotonicMs();
    this.#options.vault.put(name, sealed.bytes).then(
      (result) => {
        if (result.type === "created") onPublished?.(clock.monotonicMs() - beganMs);
        this.#options.dispatch({ type: "put", call, result });
      },
      (error: unknown) => {
        const result: PutResult = { type: "unknown", error: asVaultError(error) };
        this.#options.dispatch({ type: "put", call, result });
      },
    );
  }

  async #apply(call: number, steps: readonly Step[]): Promise<void> {
    const { store } = this.#options.copy;
    let failure: string | null = null;
    for (const { sealed, head } of steps) {
      try {
        store.apply(sealed, head);
      } catch (error) {
        if (!isHotspareError(error) || error.code !== "HS_STORE_DIVERGED") throw error;
        failure = error.message;
        break;
      }
      if (endsWithMark(sealed.record)) await this.marked();
    }
    store.trimWal();
    this.#options.changed();
    this.#options.dispatch({ type: "applied", call, head: store.head, failure });
    this.#options.dispatch({ type: "fitness", unfit: this.judgeFitness() });
  }

  async #restore({ call, atLeast, aside }: Effect & { type: "restore" }): Promise<void> {
    const origin = this.#options.state().applied?.origin ?? null;
    let result: Restored;
    try {
      result = await this.#options.copy.restore({ atLeast, origin, aside, signal: this.#options.signal });
    } catch (error) {
      result = { type: "failed", code: "HS_VAULT_IO", reason: reasonOf(error) };
    }
    this.#options.dispatch({ type: "fitness", unfit: this.judgeFitness() });
    this.#options.dispatch({ type: "restored", call, result });
    this.#options.changed();
  }

  async #open(call: number): Promise<void> {
    const { store } = this.#options.copy;
    let error: string | null = null;
    try {
      store.openForWriting();
      assert(store.head !== null, "a tenure without a fence");
      this.#options.committer.begin(store, store.head);
      const operations = store.pendingSchema(this.#options.schema);
      if (operations.length > 0) await this.#options.committer.run(operations, { commits: 1 });
    } catch (caught) {
      error = reasonOf(caught);
    }
    this.#options.dispatch({ type: "opened", call, error, seed: this.#options.seed() });
  }

  /** Ends the committer's tenure once the core has left it. */
  leaveTenure(): void {
    const { committer, copy, id, state } = this.#options;
    if (state().phase.type === "primary" || committer.head === null) return;
    committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: id }));
    copy.store.closeForWriting();
  }

  /** A record that ends with a mark is in the store. */
  async marked(): Promise<void> {
    const { head } = this.#options.copy.store;
    if (head) await this.#options.hooks.marked(head.slot);
  }

  /** An application that knows fewer schema entries than the state has is no candidate. */
  judgeFitness(): string | null {
    try {
      this.#options.copy.store.pendingSchema(this.#options.schema);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function endsWithMark(record: Step["sealed"]["record"]): boolean {
  return record.kind === "batch" && record.operations.at(-1)?.type === "mark";
}

function asVaultError(error: unknown): HotspareError {
  if (isHotspareError(error)) return error;
  const details = { action: "write", name: "a record", reason: reasonOf(error) };
  return new HotspareError("HS_VAULT_IO", details, { cause: error });
}
