/**
 * The journal alone, against the least that durability can cost: `node test/bench/journal.ts [--seconds 30] [--directory D]`.
 *
 * Both sides have the same shape: writers in the main thread, one batch in flight, whatever arrives meanwhile makes the
 * next batch, one message to a thread and one back per batch. (a) appends the batch to one file and calls `fdatasync`;
 * (b) publishes it as the next slot through a `ThreadedVault`: create once, durable, fenced. Rounds alternate; figures
 * are medians of rounds. Record headers and checksums are left out on both sides.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { PoolId } from "../../shared/ids.ts";
import { slot } from "../../shared/position.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { recordName } from "../../shared/vault/layout.ts";
import { fileSystemOf } from "../../shared/vault/mount.ts";
import { ThreadedVault } from "../../shared/vault/threaded-vault.ts";

interface Journal {
  publish(batch: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

interface Figures {
  readonly commitsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const WRITERS = [1, 16, 64, 256];
const COMMIT_BYTES = 256;
const ROUNDS = 15;
const KINDS = ["append", "vault"] as const;
type Kind = (typeof KINDS)[number];

const { values } = parseArgs({ options: { seconds: { type: "string" }, directory: { type: "string" } } });
const seconds = Number(values.seconds ?? 30);
const parent = path.resolve(values.directory ?? ".");
const directory = fs.mkdtempSync(path.join(parent, ".bench-journal-"));
process.on("SIGINT", () => process.exit(130));
process.on("exit", () => fs.rmSync(directory, { recursive: true, force: true }));

const roundMs = (seconds * 1000) / (WRITERS.length * KINDS.length * ROUNDS);

async function main(): Promise<void> {
  console.log(`${directory} on ${fileSystemOf(directory).type}; ${ROUNDS} rounds of ${Math.round(roundMs)} ms each`);
  console.log("writers   kind     commits/s    p50 ms    p99 ms   of append (median of rounds; quartiles)");
  const journals = { append: appendJournal(directory), vault: vaultJournal(directory) };
  for (const writers of WRITERS) await compare(journals, writers);
  await Promise.all([journals.append.close(), journals.vault.close()]);
}

async function compare(journals: Readonly<Record<Kind, Journal>>, writers: number): Promise<void> {
  const figures: Record<Kind, Figures[]> = { append: [], vault: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? KINDS : KINDS.toReversed();
    for (const kind of order) figures[kind].push(await measure(journals[kind], writers));
  }
  const ratios = figures.vault.map((each, round) => each.commitsPerSecond / figures.append[round]!.commitsPerSecond);
  print(writers, "append", figures.append, "");
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(2));
  print(writers, "vault", figures.vault, `${middle} (${low} to ${high})`);
}

async function measure(journal: Journal, writers: number): Promise<Figures> {
  const commits = new GroupCommit(journal);
  await commits.write();
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const writer = async (): Promise<void> => {
    for (let beganMs = performance.now(); beganMs - startMs < roundMs;) {
      await commits.write();
      const endedMs = performance.now();
      latenciesMs.push(endedMs - beganMs);
      beganMs = endedMs;
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const elapsedMs = performance.now() - startMs;
  return {
    commitsPerSecond: (latenciesMs.length / elapsedMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

/** One batch in flight; what arrives meanwhile is the next. */
class GroupCommit {
  readonly #journal: Journal;
  #waiting: (() => void)[] = [];
  #running = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  write(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#journal.publish(new Uint8Array(batch.length * COMMIT_BYTES).fill(7));
      for (const answer of batch) answer();
      // Whoever was just answered may write again before the next batch closes.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#running = false;
  }
}

function vaultJournal(own: string): Journal {
  const vault = new ThreadedVault({ directory: own, clock: systemClock });
  let next = 1;
  return {
    publish: async (batch) => {
      const { type } = await vault.put(recordName("main" as PoolId, slot(next)), batch);
      if (type !== "created") throw new Error(`slot ${next}: ${type}`);
      next += 1;
    },
    close: () => vault.close(),
  };
}

function appendJournal(own: string): Journal {
  const source = `
    const fs = require("node:fs");
    const { parentPort, workerData } = require("node:worker_threads");
    const fd = fs.openSync(workerData, "a");
    parentPort.on("message", ({ id, bytes }) => {
      if (!bytes) return parentPort.close();
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
      fs.fdatasyncSync(fd);
      parentPort.postMessage({ id });
    });`;
  const thread = new Worker(source, { eval: true, workerData: path.join(own, "journal"), execArgv: [] });
  const pending = new Map<number, () => void>();
  let last = 0;
  thread.on("message", ({ id }: { id: number }) => {
    pending.get(id)?.();
    pending.delete(id);
  });
  return {
    publish: (batch) =>
      new Promise((resolve) => {
        last += 1;
        pending.set(last, resolve);
        const bytes = new Uint8Array(batch);
        thread.postMessage({ id: last, bytes }, [bytes.buffer]);
      }),
    close: () =>
      new Promise((resolve) => {
        thread.on("exit", () => resolve());
        thread.postMessage({ id: 0, bytes: null });
      }),
  };
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

function print(writers: number, kind: Kind, rounds: readonly Figures[], ratio: string): void {
  const median = (pick: (figures: Figures) => number): number => quantile(rounds.map(pick), 0.5);
  const columns = [
    String(writers).padStart(7),
    kind.padEnd(6),
    median((figures) => figures.commitsPerSecond)
      .toFixed(0)
      .padStart(11),
    median((figures) => figures.p50Ms)
      .toFixed(3)
      .padStart(9),
    median((figures) => figures.p99Ms)
      .toFixed(3)
      .padStart(9),
    ratio,
  ];
  console.log(columns.join("   "));
}

await main();
