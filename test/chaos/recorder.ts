/**
 * What all clients of a run were told: every call for the checkers, in memory and as one line of JSON each; every answer that
 * nobody should get; and the numbers of acknowledged writes, of which no two may be the same. Bounded: a full one says so, and
 * the run ends.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import type { AppendListCall } from "../checkers/append-list.ts";
import type { BankRead } from "../checkers/bank.ts";
import type { CounterCall } from "../checkers/exactly-once-counter.ts";
import type { FullSetCall } from "../checkers/full-set.ts";
import type { RegisterCall } from "../checkers/linearizability.ts";
import type { SessionCall } from "../checkers/session.ts";
import type { CallRequest } from "./caller.ts";
import type { Told } from "./client.ts";

export type ChaosCall =
  | { readonly of: "register"; readonly call: RegisterCall }
  | { readonly of: "list"; readonly call: AppendListCall }
  | { readonly of: "bank"; readonly call: BankRead }
  | { readonly of: "counter"; readonly call: CounterCall }
  | { readonly of: "set"; readonly call: FullSetCall & { readonly key: string } }
  | { readonly of: "session"; readonly call: SessionCall };

/** One request from beginning to end, whatever it was. */
export interface Span {
  readonly invokedMs: number;
  readonly completedMs: number;
}

const MOST_CALLS = 1_000_000;
const MOST_COMPLAINTS = 50;

export class Recorder {
  readonly calls: ChaosCall[] = [];
  readonly spans: Span[] = [];
  /** Answers that are wrong by themselves. */
  readonly complaints: string[] = [];
  readonly outcomes = { ok: 0, fail: 0, unknown: 0 };
  acknowledgedWrites = 0;
  reads = 0;
  /** When the youngest call began that succeeded. */
  lastOkBeganMs = 0;
  readonly #lines: WriteStream;
  readonly #lsns = new Map<number, string>();

  constructor(file: string) {
    this.#lines = createWriteStream(file);
  }

  get full(): boolean {
    return this.spans.length >= MOST_CALLS;
  }

  add(call: ChaosCall): void {
    this.calls.push(call);
    this.#lines.write(`${JSON.stringify(call)}\n`);
  }

  told(request: CallRequest, { process, invokedMs, completedMs, outcome, reply }: Told): void {
    const endMs = completedMs ?? performance.now();
    this.outcomes[outcome] += 1;
    this.spans.push({ invokedMs, completedMs: endMs });
    if (outcome === "ok") this.lastOkBeganMs = Math.max(this.lastOkBeganMs, invokedMs);
    if (outcome === "ok" && request.method === "GET") this.reads += 1;
    if (outcome === "ok" && request.method !== "GET")
      this.#acknowledge(`${process} ${request.path}`, reply?.lsn ?? null);
    if (outcome === "fail" && reply?.status !== 412)
      this.#complain(
        `${process} ${request.method} ${request.path}: ${reply?.status} ${reply?.code} ${reply?.text.slice(0, 200)}`,
      );
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#lines.end(resolve));
  }

  #acknowledge(by: string, lsn: number | null): void {
    this.acknowledgedWrites += 1;
    const other = lsn === null ? "nobody" : this.#lsns.get(lsn);
    if (other !== undefined) this.#complain(`LSN ${lsn} was told to ${by} and to ${other}`);
    if (lsn !== null) this.#lsns.set(lsn, by);
  }

  #complain(text: string): void {
    if (this.complaints.length < MOST_COMPLAINTS) this.complaints.push(text);
  }
}
