/** The last things that happened, for whoever reads a failing seed; and a hash of all, to compare two runs. */
import type { Scheduler } from "./scheduler.ts";

interface Line {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly details: unknown;
}

export class EventLog {
  readonly #scheduler: Scheduler;
  readonly #kept: number;
  #lines: Line[] = [];
  #hash = 0;
  count = 0;
  /** How often each rare thing happened: what a run of many seeds has covered. */
  readonly seen = new Map<string, number>();

  constructor(scheduler: Scheduler, kept: number) {
    this.#scheduler = scheduler;
    this.#kept = kept;
  }

  /** The same for the same run. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  add(who: string, what: string, details: unknown = ""): void {
    const atMs = this.#scheduler.nowMs;
    this.count += 1;
    for (const part of [atMs * 1000, who.length, what.length]) this.#hash = Math.imul(this.#hash ^ part, 0x01000193);
    this.#lines.push({ atMs, who, what, details });
    if (this.#lines.length > 2 * this.#kept) this.#lines = this.#lines.slice(-this.#kept);
  }

  note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  tail(): string {
    return this.#lines.slice(-this.#kept).map(lineText).join("\n");
  }
}

function lineText({ atMs, who, what, details }: Line): string {
  const text = details === "" ? "" : ` ${typeof details === "string" ? details : JSON.stringify(details, short)}`;
  return `${atMs.toFixed(1).padStart(9)} ${who.padEnd(8)} ${what}${text}`;
}

/** Records and hashes as little as tells them apart. */
function short(key: string, value: unknown): unknown {
  if (key === "bytes" || key === "origin" || key === "bootId" || key === "timings" || key === "seed") return undefined;
  if (typeof value === "string" && value.length >= 32) return value.slice(0, 6) + value.slice(-4);
  if (key === "sealed" && typeof value === "object" && value !== null && "record" in value) {
    const { kind, header } = value.record as {
      kind: string;
      header: { slot: number; epoch: number; owner: string; id: string };
    };
    return `${kind} ${header.slot} of ${header.owner} in ${header.epoch} (${header.id.slice(-4)})`;
  }
  return value;
}
