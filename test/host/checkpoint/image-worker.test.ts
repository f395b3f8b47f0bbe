import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashImage } from "../../../host/checkpoint/inspect-image.ts";
import { ImageWorker } from "../../../host/checkpoint/image-worker.ts";
import type { Phase } from "../../../host/checkpoint/make-checkpoint.ts";
import { restoreInThread } from "../../../host/checkpoint/restore-worker.ts";
import { stateHash } from "../../../host/store/state-hash.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { until } from "../../until.ts";
import { POOL } from "./sample-checkpoint.ts";
import { SampleStore, sampleHead } from "./sample-store.ts";

let folder: string;
let store: SampleStore;
let worker: ImageWorker;
let temporary: string;
let vaultDirectory: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-image-"));
  temporary = join(folder, "images");
  vaultDirectory = join(folder, "vault");
  mkdirSync(vaultDirectory);
  store = new SampleStore(join(folder, "state.db"));
  store.commit(sampleHead(3), 2000);
  worker = new ImageWorker({ store: store.file, temporary, vaultDirectory, pool: POOL, host: parseNodeId("host-a") });
  await worker.start();
});
afterEach(async () => {
  await worker.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

test("the snapshot is exactly at its slot, whatever is committed meanwhile", async () => {
  const expected = stateHash(store.db);
  expect(await worker.begin()).toEqual({ type: "begun", head: sampleHead(3) });
  store.commit(sampleHead(4), 50);
  const imaging = worker.image("test");
  for (let at = 5; at < 60; at += 1) {
    store.commit(sampleHead(at), 20);
    await new Promise(setImmediate);
  }
  const imaged = await imaging;
  if (imaged.type !== "published") throw imaged.error;
  expect(imaged.manifest).toMatchObject({ head: sampleHead(3), stateHash: expected, by: "host-a", schema: ["items"] });
  const file = join(folder, "restored.db");
  const restored = await restoreInThread({ vaultDirectory, pool: POOL, file });
  if (restored.type !== "restored") throw restored.type === "failed" ? restored.error : new Error(restored.type);
  expect(restored).toMatchObject({ head: sampleHead(3), skipped: [] });
  expect(hashImage(file)).toBe(expected);
  expect(readdirSync(folder).filter((name) => name.startsWith("restored"))).toEqual(["restored.db"]);
  expect(readdirSync(temporary)).toEqual([]);
});

test("a primary and a standby at the same slot have the same hash, before and after others commit", async () => {
  const expected = stateHash(store.db);
  await worker.begin();
  store.commit(sampleHead(4), 10);
  expect(await worker.hash()).toEqual({ type: "hashed", stateHash: expected });
  expect(await worker.begin()).toMatchObject({ type: "begun", head: { slot: 4 } });
  expect(await worker.hash()).not.toEqual({ type: "hashed", stateHash: expected });
});

test("the write-ahead log can shrink again while an image is packed and uploaded", async () => {
  await worker.begin();
  let shrunk = false;
  const imaging = worker.image("test", (phase: Phase) => {
    if (phase === "copy" || shrunk) return;
    shrunk = store.db.prepare("pragma wal_checkpoint(truncate)").get()?.["busy"] === 0;
  });
  expect((await imaging).type).toBe("published");
  expect(store.db.prepare("pragma wal_checkpoint(truncate)").get()?.["busy"]).toBe(0);
});

test("one at a time: busy is said at once, and a released snapshot makes room", async () => {
  await worker.begin();
  expect(await worker.begin()).toEqual({ type: "busy" });
  await worker.release();
  await worker.begin();
  const imaging = worker.image("test");
  expect(worker.busy).toBe(true);
  expect(await worker.begin()).toEqual({ type: "busy" });
  expect((await imaging).type).toBe("published");
  expect((await worker.begin()).type).toBe("begun");
});

test("a thread that rests is started again; one that is at work does not rest", async () => {
  expect(await worker.rest()).toBe(true);
  expect(await worker.rest()).toBe(true);
  await worker.begin();
  expect(await worker.rest()).toBe(false);
  const imaging = worker.image("test");
  expect(await worker.rest()).toBe(false);
  expect((await imaging).type).toBe("published");
  expect(await worker.rest()).toBe(true);
  expect((await worker.begin()).type).toBe("begun");
});

test("before slot 1 there is no snapshot", async () => {
  const empty = new SampleStore(join(folder, "empty.db"));
  const other = new ImageWorker({
    store: empty.file,
    temporary: join(folder, "o"),
    vaultDirectory,
    pool: POOL,
    host: parseNodeId("host-a"),
  });
  expect(await other.begin()).toEqual({ type: "begun", head: null });
  expect(other.busy).toBe(false);
  await other.stop();
  empty.close();
});

describe("when it goes wrong", () => {
  test("cancelled: failed, temporary files gone, no manifest, and the next one works", async () => {
    store.commit(sampleHead(4), 20_000);
    await worker.begin();
    const imaging = worker.image("test", () => worker.cancel());
    const imaged = await imaging;
    expect(imaged).toMatchObject({ type: "failed", error: { code: "HS_CHECKPOINT_FAILED" } });
    expect(readdirSync(temporary)).toEqual([]);
    await worker.begin();
    expect((await worker.image("again")).type).toBe("published");
  });

  test("the vault's folder is not there: failed, with its reason", async () => {
    rmSync(vaultDirectory, { recursive: true });
    await worker.begin();
    const imaged = await worker.image("test");
    expect(imaged.type).toBe("failed");
    expect((await worker.begin()).type).toBe("begun");
  });

  test("a damaged store: no checkpoint of it", async () => {
    store.close();
    const fd = openSync(store.file, "r+");
    writeSync(fd, Buffer.alloc(4096, 0xff), 0, 4096, fstatSync(fd).size - 4096);
    closeSync(fd);
    await worker.begin();
    expect(await worker.image("test")).toMatchObject({ type: "failed", error: { code: "HS_CHECKPOINT_INVALID" } });
  });

  test("stopped: later calls fail, nothing hangs", async () => {
    await worker.begin();
    const imaging = worker.image("test");
    await worker.stop();
    expect((await imaging).type).toBe("failed");
    expect((await worker.begin()).type).toBe("failed");
  });

  test("files that a crash left in the making are gone at the next start", async () => {
    mkdirSync(join(folder, "o"));
    new DatabaseSync(join(folder, "o", "image.db")).close();
    const other = new ImageWorker({
      store: store.file,
      temporary: join(folder, "o"),
      vaultDirectory,
      pool: POOL,
      host: parseNodeId("host-a"),
    });
    await other.start();
    await until(() => readdirSync(join(folder, "o")).length === 0);
    await other.stop();
  });
});

test("a restore that is aborted rejects and leaves nothing in use", async () => {
  await worker.begin();
  await worker.image("test");
  const controller = new AbortController();
  const file = join(folder, "aborted.db");
  const restoring = restoreInThread({ vaultDirectory, pool: POOL, file, signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(restoring).rejects.toThrow("enough");
});

test("a restore from where nothing is: none", async () => {
  expect(await restoreInThread({ vaultDirectory, pool: POOL, file: join(folder, "n.db") })).toEqual({ type: "none" });
});
