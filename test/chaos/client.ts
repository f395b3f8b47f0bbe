/**
 * One client: makes its calls one after the other and tells when each began and ended and what became of it. After a call
 * whose outcome is unknown it goes on as another process, as the checkers expect: the old one's call is still under way.
 */
import type { Dice } from "../simulation/dice.ts";
import type { Outcome, TimedCall } from "../checkers/timed-call.ts";
import type { Caller, CallRequest, Reply } from "./caller.ts";
import type { Recorder } from "./recorder.ts";

export interface Told extends TimedCall {
  /** `null` if its outcome is unknown. */
  readonly reply: Reply | null;
}

export class Client {
  readonly name: string;
  readonly dice: Dice;
  readonly recorder: Recorder;
  readonly #caller: Caller;
  #life = 1;
  #calls = 0;

  constructor(name: string, { caller, dice, recorder }: { caller: Caller; dice: Dice; recorder: Recorder }) {
    this.name = name;
    this.#caller = caller;
    this.dice = dice;
    this.recorder = recorder;
  }

  /** A value that nobody else writes. */
  unique(): string {
    return `${this.name}-${this.#calls + 1}`;
  }

  async send(request: CallRequest): Promise<Told> {
    this.#calls += 1;
    const process = `${this.name}.${this.#life}`;
    const invokedMs = performance.now();
    const reply = await this.#caller.call(request, `${this.name}-${this.#calls}`);
    if (reply === null) this.#life += 1;
    const outcome = outcomeOf(request, reply);
    const told = { process, invokedMs, completedMs: reply === null ? null : performance.now(), outcome, reply };
    this.recorder.told(request, told);
    return told;
  }
}

function outcomeOf({ method }: CallRequest, reply: Reply | null): Outcome {
  if (reply === null) return "unknown";
  if (reply.status < 300 || (reply.status === 404 && method === "GET")) return "ok";
  return "fail";
}
