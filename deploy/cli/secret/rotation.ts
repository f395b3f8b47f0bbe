/**
 * Carries out a rotation of the secret on this machine's file: asks the nodes, makes the step that they are ready for, or
 * waits. The lock is held for each edit only, never while it waits: of several that run at once each sees what the others
 * have done.
 */
import { basename } from "node:path";
import { sleep } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError, unreachable } from "../../../shared/errors.ts";
import type { CommandContext } from "../command.ts";
import { printable } from "../printable.ts";
import { Spinner } from "../spinner.ts";
import type { Asking } from "../cluster-status.ts";
import { nodeKeys } from "./node-keys.ts";
import { rotationStep, type FileKey, type RotationStep } from "./rotation-step.ts";
import { editSecretFile, keysInFile } from "./secret-file.ts";

export interface RotationOptions {
  readonly file: string;
  /** Milliseconds without any step after which it gives up. */
  readonly wait: number;
  /** Nodes that are not waited for. */
  readonly without: readonly string[];
  readonly asking: Asking;
  readonly json?: true;
}

export interface Rotated {
  readonly file: string;
  /** The steps that this run has made. */
  readonly steps: readonly RotationStep["type"][];
  /** Ids of the keys that the file has now. */
  readonly keys: readonly string[];
}

const LOOK_MS = 500;
/** Nodes take a changed file into use by themselves; whoever has not by then needs it copied. */
const PATIENCE_MS = 5000;

export class Rotation {
  readonly file: string;
  readonly #config: Config;
  readonly #options: RotationOptions;
  readonly #context: CommandContext;
  readonly #steps: RotationStep["type"][] = [];
  #before: readonly FileKey[] = [];
  #begun = false;
  #told = "";

  constructor(config: Config, options: RotationOptions, context: CommandContext) {
    this.file = options.file;
    this.#config = config;
    this.#options = options;
    this.#context = context;
  }

  /** What is to be done next. Changes nothing. */
  async next(): Promise<RotationStep> {
    this.#before = keysInFile(this.file);
    this.#begun ||= this.#before.some(({ mark }) => mark !== null);
    const nodes = await nodeKeys(this.#config, this.#options.without, this.#options.asking);
    return rotationStep({ file: this.#before, name: basename(this.file), nodes, begun: this.#begun });
  }

  /** @throws {HotspareError} HS_ROTATION_WAITS if nodes are not ready in time; what was done stays, and is gone on from. */
  async run(): Promise<Rotated> {
    const spinner = new Spinner(this.#context, "asking the nodes which keys they accept");
    try {
      for (let sinceMs = this.#nowMs(); ;) {
        const step = await this.next();
        if (step.type === "done") return this.#done();
        if (step.type === "wait") await this.#wait(step.reasons, sinceMs, spinner);
        else {
          await this.#make(step);
          sinceMs = this.#nowMs();
        }
      }
    } finally {
      spinner.end();
    }
  }

  describe(step: RotationStep): string {
    switch (step.type) {
      case "append":
        return `append a new key to ${this.file}: accepted, does not sign yet`;
      case "promote":
        return `make ${step.key} the first key of ${this.file}: it signs, the others are still accepted`;
      case "remove":
        return `remove ${step.keys.join(", ")} from ${this.file}: no node signs with it`;
      case "wait":
        return step.reasons.map((reason) => `wait: ${printable(reason)}`).join("\n");
      case "done":
        return "nothing is left to be done";
      default:
        return unreachable(step);
    }
  }

  async #make(step: Exclude<RotationStep, { type: "wait" | "done" }>): Promise<void> {
    const { random, print } = this.#context;
    await editSecretFile(this.file, { before: this.#before, step, random });
    this.#begun = true;
    this.#steps.push(step.type);
    if (!this.#options.json) print(`done: ${this.describe(step)}`);
  }

  async #wait(reasons: readonly string[], sinceMs: number, spinner: Spinner): Promise<void> {
    const reason = reasons.join("; ");
    const waitedMs = this.#nowMs() - sinceMs;
    if (waitedMs >= this.#options.wait) throw new HotspareError("HS_ROTATION_WAITS", { reason });
    if (waitedMs < PATIENCE_MS) spinner.say("waiting until all nodes have taken the file into use");
    else {
      spinner.say(`waiting: ${printable(reason)}`);
      this.#tell(reason);
    }
    await sleep(this.#context.clock, LOOK_MS);
  }

  /** Where no spinner shows it: each thing once. */
  #tell(reason: string): void {
    if (this.#context.screen !== null || reason === this.#told) return;
    this.#told = reason;
    this.#context.warn(`waiting: ${printable(reason)}`);
  }

  #done(): Rotated {
    return { file: this.file, steps: this.#steps, keys: this.#before.map(({ id }) => id) };
  }

  #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }
}
