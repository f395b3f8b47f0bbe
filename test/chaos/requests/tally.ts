/**
 * What the clients of a run were told, and what was not as it must be: failed requests with what each met, answers whose
 * content is not what was meant, and which writes were acknowledged. Bounded: a full one says so, and the run ends.
 */
import type { Span } from "../recorder.ts";
import type { Method } from "./sender.ts";

export interface Failure {
  readonly client: string;
  readonly request: string;
  /** Status and code, or what became of the connection. */
  readonly kind: string;
  readonly detail: string;
  readonly beganMs: number;
  readonly atMs: number;
}

const MOST_SPANS = 2_000_000;
const MOST_LISTED = 100;

export class Tally {
  readonly methods: Record<Method, number> = { GET: 0, HEAD: 0, PUT: 0, POST: 0, PATCH: 0, DELETE: 0 };
  readonly spans: Span[] = [];
  /** The first of those that failed. */
  readonly failures: Failure[] = [];
  /** Answers with status and framing as they should be, and another content than was meant; the first of them. */
  readonly wrong: string[] = [];
  /** How many failed, by what they met. */
  readonly kinds = new Map<string, number>();
  readonly acknowledged = new Set<string>();
  /** Writes that failed: whether they took effect is not known. */
  readonly open = new Set<string>();
  failed = 0;
  wrongAnswers = 0;
  sentBytes = 0;
  receivedBytes = 0;
  /** When the youngest request began that was answered as it should be. */
  lastOkBeganMs = 0;
  readonly #underWay = new Set<number>();

  get requests(): number {
    return this.spans.length;
  }

  get full(): boolean {
    return this.spans.length >= MOST_SPANS;
  }

  /** When the oldest request began that has no answer yet; infinite if there is none. */
  get oldestBeganMs(): number {
    return this.#underWay.values().next().value ?? Infinity;
  }

  /** @returns when it began, by which it is to be ended. */
  begin(): number {
    let nowMs = performance.now();
    // Each is the name of one request.
    while (this.#underWay.has(nowMs)) nowMs += 0.001;
    this.#underWay.add(nowMs);
    return nowMs;
  }

  end(beganMs: number, method: Method, ok: boolean): void {
    this.#underWay.delete(beganMs);
    this.methods[method] += 1;
    this.spans.push({ invokedMs: beganMs, completedMs: performance.now() });
    if (ok) this.lastOkBeganMs = Math.max(this.lastOkBeganMs, beganMs);
  }

  fail(failure: Failure): void {
    this.failed += 1;
    this.kinds.set(failure.kind, (this.kinds.get(failure.kind) ?? 0) + 1);
    if (this.failures.length < MOST_LISTED) this.failures.push(failure);
  }

  mistake(text: string): void {
    this.wrongAnswers += 1;
    if (this.wrong.length < MOST_LISTED) this.wrong.push(text);
  }
}
