/**
 * Tells of refused messages and connections at a bounded rate, so that a flood of bad ones is neither a flood of logs nor of
 * work for the main thread: per code and sender at once, then at most once a minute with the number since. That a sender
 * speaks no version of the protocol which this node knows stays so until one of the two is updated, and is told once.
 */
import type { Clock } from "../clock.ts";
import type { ErrorCode } from "../errors.ts";
import type { MessageRefused } from "./message-server.ts";

const INTERVAL_MS = 60_000;
const LASTING: ReadonlySet<ErrorCode> = new Set(["HS_MESSAGE_VERSION"]);
/** Different codes and senders that are remembered; a name on a refused message is whatever the sender wrote. */
const MAX_KINDS = 256;

export class RefusalNotices {
  readonly #clock: Clock;
  readonly #tell: (refusal: MessageRefused, count: number) => void;
  readonly #kinds = new Map<string, { toldMs: number; untold: number }>();

  constructor(clock: Clock, tell: (refusal: MessageRefused, count: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(refusal: MessageRefused): void {
    const key = `${refusal.code} ${refusal.from ?? ""}`;
    const nowMs = this.#clock.monotonicMs();
    const kind = this.#kinds.get(key);
    if (kind !== undefined && (LASTING.has(refusal.code) || nowMs - kind.toldMs < INTERVAL_MS)) {
      kind.untold += 1;
      return;
    }
    if (kind === undefined && this.#kinds.size >= MAX_KINDS) return;
    this.#kinds.set(key, { toldMs: nowMs, untold: 0 });
    this.#tell(refusal, (kind?.untold ?? 0) + 1);
  }
}
