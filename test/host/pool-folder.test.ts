import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PoolFolder, type Generation } from "../../host/pool-folder.ts";
import { parsePoolId } from "../../shared/ids.ts";

const POOL = parsePoolId("main");
let data: string;
let folder: PoolFolder;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "hotspare-pool-"));
  folder = new PoolFolder(data, POOL);
});
afterEach(() => rmSync(data, { recursive: true }));

const inside = (...names: string[]): string => join(data, "pools", "main", ...names);

function fill(generation: Generation, text: string): Generation {
  writeFileSync(generation.file, text);
  return generation;
}

test("a new data folder has nothing in use", () => {
  expect(folder.current()).toBeNull();
  expect(folder.setAside("nothing there")).toBeNull();
});

test("a generation is in use only after the switch, also for the next process", () => {
  const first = fill(folder.create(), "one");
  expect(folder.current()).toBeNull();
  folder.switchTo(first);
  expect(folder.current()).toEqual(first);
  expect(new PoolFolder(data, POOL).current()).toEqual(first);
});

test("the switch removes the old generation with its write-ahead log; numbers are not used twice", () => {
  const first = fill(folder.create(), "one");
  writeFileSync(`${first.file}-wal`, "old log");
  folder.switchTo(first);
  const second = fill(folder.create(), "two");
  expect(second.number).toBeGreaterThan(first.number);
  expect(readdirSync(second.folder)).toEqual(["state.db"]);
  folder.switchTo(second);
  expect(existsSync(first.folder)).toBe(false);
  expect(readFileSync(folder.current()!.file, "utf8")).toBe("two");
});

test("a crash before the switch: the old generation stays in use, the half-done one goes", () => {
  folder.switchTo(fill(folder.create(), "one"));
  const half = fill(folder.create(), "ha");
  writeFileSync(inside("current.new"), `${half.number}\n`);
  const next = new PoolFolder(data, POOL);
  next.sweep();
  expect(readFileSync(next.current()!.file, "utf8")).toBe("one");
  expect(existsSync(half.folder)).toBe(false);
});

test("a crash after the switch, before the old one was removed: the new one is in use", () => {
  folder.switchTo(fill(folder.create(), "one"));
  const second = fill(folder.create(), "two");
  writeFileSync(inside("current"), `${second.number}\n`);
  const next = new PoolFolder(data, POOL);
  expect(next.current()).toEqual(second);
  next.sweep();
  expect(existsSync(inside("1"))).toBe(false);
});

test("a pointer that points nowhere or is damaged: nothing in use", () => {
  for (const text of ["7\n", "", "../..", "1e3"]) {
    writeFileSync(inside("current"), text);
    expect(folder.current(), JSON.stringify(text)).toBeNull();
  }
});

test("a copy set aside keeps its state and the reason; the two newest are kept", () => {
  const kept: string[] = [];
  for (const text of ["one", "two", "three"]) {
    folder.switchTo(fill(folder.create(), text));
    kept.push(folder.setAside(`diverged: ${text}`)!);
    expect(folder.current()).toBeNull();
  }
  expect(kept.map((aside) => existsSync(aside))).toEqual([false, true, true]);
  expect(readFileSync(join(kept[2]!, "state.db"), "utf8")).toBe("three");
  expect(readFileSync(join(kept[2]!, "reason.txt"), "utf8")).toBe("diverged: three\n");
});

test("a copy is set aside while its successor is being filled: the successor stays and can be switched to", () => {
  folder.switchTo(fill(folder.create(), "diverged"));
  const restored = fill(folder.create(), "restored");
  folder.setAside("diverged");
  folder.switchTo(restored);
  expect(readFileSync(folder.current()!.file, "utf8")).toBe("restored");
});

test("what lies there and is not ours is left alone", () => {
  mkdirSync(inside("images"));
  writeFileSync(inside("notes.txt"), "mine");
  folder.switchTo(fill(folder.create(), "one"));
  folder.sweep();
  expect(readdirSync(inside()).sort()).toEqual(["1", "current", "images", "notes.txt"]);
});

test("a generation that was filled in vain is discarded; the one in use never is", () => {
  const first = fill(folder.create(), "one");
  folder.switchTo(first);
  folder.discard(fill(folder.create(), "half a restore"));
  expect(readdirSync(inside()).sort()).toEqual(["1", "current"]);
  expect(() => folder.discard(first)).toThrow("in use");
});
