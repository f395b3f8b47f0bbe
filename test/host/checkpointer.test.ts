import { expect, test } from "vitest";
import { Checkpointer, type CheckpointerOptions, type Taken } from "../../host/checkpointer.ts";
import type { Begun, Imaged } from "../../host/checkpoint/image-worker.ts";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parsePoolId } from "../../shared/ids.ts";
import { sampleHead } from "./checkpoint/sample-store.ts";

/** An image worker that does what the test says, when it says so. */
class ScriptedWorker {
  begun: Begun = { type: "begun", head: sampleHead(4) };
  released = 0;
  cancelled = 0;
  finish: (imaged: Imaged) => void = () => undefined;
  begin = (): Promise<Begun> => Promise.resolve(this.begun);
  image = (): Promise<Imaged> => new Promise((resolve) => (this.finish = resolve));
  release = (): Promise<void> => Promise.resolve(void (this.released += 1));
  cancel = (): void => {
    this.cancelled += 1;
    this.finish({ type: "failed", error });
  };
}

const error = new HotspareError("HS_CHECKPOINT_FAILED", { pool: "main", reason: "test" });
const manifest = { imageBytes: 10 } as Manifest;

function setUp(options: Partial<CheckpointerOptions> = {}) {
  const worker = new ScriptedWorker();
  const time = { nowMs: 0 };
  const taken: Taken[] = [];
  const checkpointer = new Checkpointer({
    pool: parsePoolId("main"),
    clock: { monotonicMs: () => time.nowMs, wallMs: () => 0, after: () => () => undefined },
    worker,
    limits: () => ({ bytes: 100, intervalMs: 1000 }),
    imageBytes: 10,
    journalBytes: 0,
    taken: (result) => taken.push(result),
    ...options,
  });
  return { worker, time, taken, checkpointer };
}

test("due by size, taken at the mark, published: the next one is not due", async () => {
  const { checkpointer, worker, taken, time } = setUp();
  checkpointer.noteCommit(101);
  expect(checkpointer.due()).toBe("size of the journal");
  await checkpointer.take(sampleHead(4), "size of the journal");
  expect(checkpointer.taking).toBe(4);
  expect(checkpointer.due()).toBeNull();
  time.nowMs = 50;
  worker.finish({ type: "published", manifest });
  await checkpointer.stop();
  expect(taken).toEqual([{ type: "published", manifest, reason: "size of the journal", durationMs: 50 }]);
});

test("who asked before the snapshot is answered by it, who asked later by the next", async () => {
  const { checkpointer, worker, time } = setUp();
  const first = checkpointer.request("space made");
  const also = checkpointer.request("space removed");
  expect(checkpointer.due()).toBe("space made");
  await checkpointer.take(sampleHead(4), "space made");
  let later: Taken | null = null;
  void checkpointer.request("space made again").then((result) => (later = result));
  worker.finish({ type: "published", manifest });
  expect(await first).toMatchObject({ type: "published" });
  expect(await also).toMatchObject({ type: "published" });
  expect(later).toBeNull();
  time.nowMs = 1;
  expect(checkpointer.due()).toBe("space made again");
});

test("a snapshot at another slot than the mark: given back, failed, tried again", async () => {
  const { checkpointer, worker, time } = setUp();
  const asked = checkpointer.request("space made");
  await checkpointer.take(sampleHead(3), "space made");
  expect(await asked).toMatchObject({ type: "failed" });
  expect(worker.released).toBe(1);
  void checkpointer.request("space made");
  time.nowMs = 10_000;
  expect(checkpointer.due()).toBe("space made");
});

test.each([
  ["busy", { type: "busy" }],
  ["dead", { type: "failed", error }],
] as const)("the thread is %s: failed, and no commit waits", async (_, begun) => {
  const { checkpointer, worker } = setUp();
  worker.begun = begun;
  const asked = checkpointer.request("space made");
  await checkpointer.take(sampleHead(4), "space made");
  expect(await asked).toMatchObject({ type: "failed" });
  expect(checkpointer.taking).toBeNull();
});

test("stopped because deposed: what runs is cancelled, whoever waits is told", async () => {
  const { checkpointer, worker } = setUp();
  const running = checkpointer.request("one");
  await checkpointer.take(sampleHead(4), "one");
  const waiting = checkpointer.request("two");
  await checkpointer.stop();
  expect(worker.cancelled).toBe(1);
  expect(await running).toMatchObject({ type: "failed" });
  expect(await waiting).toMatchObject({ type: "failed" });
  expect(await checkpointer.request("three")).toMatchObject({ type: "failed" });
  expect(checkpointer.due()).toBeNull();
});
