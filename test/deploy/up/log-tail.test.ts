import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LogTail } from "../../../deploy/cli/up/log-tail.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { still } from "../console.ts";

const folder = temporaryFolder();

function tail(before: string): { file: string; lines: string[]; tail: LogTail } {
  const file = join(folder, `${Math.trunc(performance.now() * 1000)}.log`);
  writeFileSync(file, before);
  const lines: string[] = [];
  const line = (text: string): void => void lines.push(text);
  return { file, lines, tail: new LogTail({ file, fromBytes: before.length, clock: still, line }) };
}

test("a line that is written in pieces is given once it is whole", () => {
  const one = tail("old\n");
  appendFileSync(one.file, "fir");
  one.tail.read();
  expect(one.lines).toEqual([]);
  appendFileSync(one.file, "st\nsecond\nthi");
  one.tail.read();
  expect(one.lines).toEqual(["first", "second"]);
  appendFileSync(one.file, "rd\n");
  one.tail.stop();
  expect(one.lines).toEqual(["first", "second", "third"]);
});

test("a letter of several bytes that lies across two pieces stays whole, and so does what is longer than a piece", () => {
  const one = tail("");
  const long = "ä".repeat(100_000);
  appendFileSync(one.file, `x${long}\nend\n`);
  one.tail.stop();
  expect(one.lines).toEqual([`x${long}`, "end"]);
});

test("a line without an end is dropped before it fills the memory", () => {
  const one = tail("");
  appendFileSync(one.file, "x".repeat(3 * 1024 * 1024));
  appendFileSync(one.file, "\nend\n");
  one.tail.stop();
  expect(one.lines.at(-1)).toBe("end");
  expect(one.lines[0]!.length).toBeLessThan(1024 * 1024);
});
