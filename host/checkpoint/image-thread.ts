/**
 * The thread that takes images and hashes the state: a connection and a vault of its own, so that neither a long
 * statement nor a large upload stops a commit. It waits warm with its connection open: `begin` is answered at once.
 */
import { mkdirSync, rmSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "../../shared/errors.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { packError } from "../../shared/thread-error.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import type { Head } from "../../shared/journal/head.ts";
import { stateHash } from "../store/state-hash.ts";
import { readHead } from "../store/meta.ts";
import type { ImageAnswer, ImageMessage, ImageQuestion, ImageThreadData } from "./image-messages.ts";
import { makeCheckpoint, type Phase } from "./make-checkpoint.ts";

const data = workerData as ImageThreadData;
const port = parentPort;
assert(port !== null, "the image thread was started as a thread");

/** Rest after each piece of disk work, so that a commit's own sync finds a gap. */
const REST_MS = { copy: 2, check: 0, hash: 1, pack: 1, upload: 0, verify: 1 } as const satisfies Record<Phase, number>;
const PROGRESS_MS = 100;
const BUSY_TIMEOUT_MS = 1000;

const vault = new DirectoryVault({ directory: data.vaultDirectory, random: systemRandom, clock: systemClock });
const db = new DatabaseSync(data.store, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
let snapshot: Head | null = null;
let reportedMs = 0;

yieldToCommits();
rmSync(data.temporary, { recursive: true, force: true });
mkdirSync(data.temporary, { recursive: true });
port.on("message", (question: ImageQuestion) => void reply(question));
answer({ type: "released" });

/** On Linux priority 0 means the calling thread alone; elsewhere it would be the whole process. */
function yieldToCommits(): void {
  if (process.platform === "linux") setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
}

async function reply(question: ImageQuestion): Promise<void> {
  try {
    answer(await perform(question));
  } catch (error) {
    endSnapshot();
    const otherwise = { code: "HS_CHECKPOINT_FAILED", details: { pool: data.pool } } as const;
    answer({ type: "failed", error: packError(error, otherwise), durability: "fine" });
  }
}

async function perform(question: ImageQuestion): Promise<ImageAnswer> {
  switch (question.type) {
    case "begin":
      return { type: "begun", head: beginSnapshot() };
    case "hash":
      return hash();
    case "image":
      return image(question.reason);
    case "release":
      endSnapshot();
      return { type: "released" };
    default:
      return unreachable(question);
  }
}

/** A transaction begins with its first read: that of the head, which therefore is the snapshot's. */
function beginSnapshot(): Head | null {
  endSnapshot();
  db.exec("begin");
  snapshot = readHead(db);
  if (!snapshot) endSnapshot();
  return snapshot;
}

function endSnapshot(): void {
  snapshot = null;
  if (db.isTransaction) db.exec("rollback");
}

function hash(): ImageAnswer {
  assert(snapshot !== null, "hash follows begin");
  const found = stateHash(db, { beat: () => beat("hash", 0, 0) });
  endSnapshot();
  return { type: "hashed", stateHash: found };
}

async function image(reason: string): Promise<ImageAnswer> {
  assert(snapshot !== null, "image follows begin");
  const made = await makeCheckpoint({
    source: db,
    head: snapshot,
    copied: endSnapshot,
    vault,
    clock: systemClock,
    pool: data.pool,
    by: data.host,
    reason,
    temporary: data.temporary,
    beat,
  });
  if (made.type === "published") return { type: "made", manifest: made.manifest };
  const otherwise = { code: "HS_CHECKPOINT_FAILED", details: { pool: data.pool } } as const;
  return {
    type: "failed",
    error: packError(made.error, otherwise),
    durability: made.type === "undurable" ? "undurable" : "fine",
  };
}

function beat(phase: Phase, bytes: number, totalBytes: number): void {
  const restMs = REST_MS[phase];
  if (restMs > 0) Atomics.wait(data.cancelled, 0, 0, restMs);
  if (Atomics.load(data.cancelled, 0) !== 0) throw new Error("it was cancelled");
  const nowMs = systemClock.monotonicMs();
  if (nowMs - reportedMs < PROGRESS_MS) return;
  reportedMs = nowMs;
  send({ type: "progress", phase, bytes, totalBytes });
}

function answer(text: ImageAnswer): void {
  send({ type: "answer", answer: text });
}

function send(message: ImageMessage): void {
  port?.postMessage(message);
}
