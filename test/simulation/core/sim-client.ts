/**
 * A client: one operation at a time, under one key for all its attempts; it tries again where it got no answer, and now
 * and then gives up, so that the outcome stays open for ever.
 */
import type { Answered, Operation } from "../ledger.ts";
import type { HostAnswer } from "./sim-committer.ts";
import type { World } from "./world.ts";

/** Where a request goes: a host, or a proxy. */
export type Target = (operation: Operation, sentMs: number, answer: (answer: HostAnswer) => void) => void;

const REGISTERS = ["a", "b", "c"];
const PATIENCE_MS = 1_500;
const RETRY_MS = 20;

export class SimClient {
  readonly #world: World;
  readonly #name: string;
  readonly #targets: () => readonly Target[];
  #count = 0;
  #stopped = false;
  waiting = false;

  constructor(world: World, name: string, targets: () => readonly Target[]) {
    this.#world = world;
    this.#name = name;
    this.#targets = targets;
  }

  start(): void {
    const { dice, swarm, scheduler } = this.#world;
    scheduler.after(dice.between(0, 2) * swarm.thinkMs, () => this.#begin());
  }

  /** The operation under way is still finished. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(): void {
    if (this.#stopped) return;
    const { dice, scheduler, ledger } = this.#world;
    this.#count += 1;
    const operation: Operation = {
      key: `${this.#name}-${this.#count}`,
      kind: dice.chance(0.6) ? "write" : "read",
      register: dice.pick(REGISTERS),
      value: Number(this.#name.slice(1)) * 1_000_000 + this.#count,
      invokedMs: scheduler.nowMs,
      floorLsn: ledger.shownLsn,
    };
    this.waiting = true;
    this.#attempt(operation);
  }

  #attempt(operation: Operation): void {
    const { dice, scheduler, log } = this.#world;
    const targets = this.#targets();
    if (targets.length === 0) return scheduler.after(RETRY_MS, () => this.#attempt(operation));
    let open = true;
    const once = (answer: HostAnswer): void => {
      if (!open) return;
      open = false;
      log.add(this.#name, `${operation.kind} ${operation.key}`, answer);
      this.#onAnswer(operation, answer);
    };
    scheduler.after(PATIENCE_MS, () => once({ type: "cut" }));
    dice.pick(targets)(operation, scheduler.nowMs, once);
  }

  #onAnswer(operation: Operation, answer: HostAnswer): void {
    const { dice, scheduler, ledger } = this.#world;
    if (answer.type === "done") {
      ledger.finished(operation, answer satisfies Answered);
      // A settled key asked for again must give the same answer.
      if (operation.kind === "write" && dice.chance(0.05)) return this.#askAgain(operation);
      return this.#end();
    }
    if (answer.type === "cut" && dice.chance(0.1)) return this.#end();
    scheduler.after(RETRY_MS * dice.between(0.5, 2), () => this.#attempt(operation));
  }

  #askAgain(operation: Operation): void {
    const { dice, scheduler } = this.#world;
    const targets = this.#targets();
    if (targets.length > 0) dice.pick(targets)(operation, scheduler.nowMs, () => undefined);
    this.#end();
  }

  #end(): void {
    this.waiting = false;
    const { dice, swarm, scheduler } = this.#world;
    scheduler.after(dice.between(0, 2) * swarm.thinkMs, () => this.#begin());
  }
}
