/**
 * The main thread, as the control thread sees it: carries messages to it and waits for the answers, each within a bound.
 * What it did not begin in time it will not begin at all, so that "refused" stays true.
 */
import type { Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import type { Ask, CarriedName, Reply } from "./control-link.ts";

/** `late`: no answer within the bound; the main thread has begun it (`taken`), or will not (`untaken`). */
export type Asked<Name extends CarriedName> =
  | { readonly type: "answered"; readonly answer: Answer<Name> }
  | { readonly type: "late"; readonly state: "taken" | "untaken" };

export interface Asking<Name extends CarriedName> {
  readonly body: Request<Name>;
  readonly from: NodeId;
  readonly waitMs: number;
}

/** Messages under way at once; one more is refused. */
const MAX_WAITING = 256;

export class ControlCarrier {
  readonly #post: (ask: Ask) => void;
  readonly #clock: Clock;
  readonly #host: NodeId;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor({ post, clock, host }: { post: (ask: Ask) => void; clock: Clock; host: NodeId }) {
    this.#post = post;
    this.#clock = clock;
    this.#host = host;
  }

  /** @throws {HotspareError} what the main thread's handler rejected with; HS_MAIN_STALLED if too many wait already. */
  ask<Name extends CarriedName>(name: Name, { body, from, waitMs }: Asking<Name>): Promise<Asked<Name>> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(this.stalled(0));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel();
        this.#waiting.delete(id);
      };
      const waiting: Waiting = {
        state: "untaken",
        settle: (answer) => {
          end();
          resolve({ type: "answered", answer: answer as Answer<Name> });
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      const cancel = this.#clock.after(waitMs, () => {
        end();
        resolve({ type: "late", state: waiting.state });
      });
      this.#waiting.set(id, waiting);
      const expiresMs = this.#clock.monotonicMs() + waitMs;
      this.#post({ type: "ask", id, name, body, from, expiresMs } as Ask);
    });
  }

  /** What the main thread says. One that nobody waits for any more is ignored. */
  reply(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    if (reply.type === "taken") waiting.state = "taken";
    else if (reply.type === "settled") waiting.settle(reply.answer);
    else waiting.fail(new HotspareError(reply.code, reply.details));
  }

  stalled(waitMs: number): HotspareError {
    return new HotspareError("HS_MAIN_STALLED", { host: this.#host, waitMs });
  }
}

interface Waiting {
  state: "taken" | "untaken";
  settle(answer: Answer<CarriedName>): void;
  fail(error: HotspareError): void;
}
