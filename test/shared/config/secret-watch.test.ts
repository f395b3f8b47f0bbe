import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Clock } from "../../../shared/clock.ts";
import { watchSecret } from "../../../shared/config/secret-watch.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";

const OLD = "1".repeat(64);
const NEW = "2".repeat(64);
const bytes = (text: string): Buffer => Buffer.from(text, "hex");
const ids = (...texts: readonly string[]): readonly string[] => new KeyRing(texts.map(bytes), systemClock).keyIds();

let folder: string;
let file: string;
let keys: KeyRing;
let stop: () => Promise<void>;
let warnings: object[];
let looks = 0;
const clock: Clock = { ...systemClock, after: (delayMs, run) => (looks++, systemClock.after(delayMs, run)) };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-secret-"));
  file = join(folder, "cluster.key");
  write(OLD);
  keys = new KeyRing([bytes(OLD)], systemClock);
  warnings = [];
  const log: Log = { ...silentLog, warn: (fields) => warnings.push(fields) };
  stop = watchSecret({ source: { file }, keys, clock, log });
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const write = (...lines: readonly string[]): void => writeFileSync(file, lines.join("\n"), { mode: 0o600 });
const replace = (...lines: readonly string[]): void => {
  writeFileSync(`${file}.tmp`, lines.join("\n"), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
};
const has = (...texts: readonly string[]) =>
  until(() => String(keys.keyIds()) === String(ids(...texts)), { timeoutMs: 20_000 });

it("a file that is written anew or replaced is taken into use, again and again", async () => {
  write(OLD, NEW);
  await has(OLD, NEW);
  replace(NEW, OLD);
  await has(NEW, OLD);
  replace(NEW);
  await has(NEW);
  expect(warnings).toEqual([]);
});

it("a broken file changes nothing and is told once; when it is right again it is used", async () => {
  write(OLD, NEW.slice(10));
  await until(() => warnings.length > 0, { timeoutMs: 20_000 });
  const before = looks;
  await until(() => looks >= before + 3, { timeoutMs: 20_000 });
  expect(warnings).toEqual([{ reason: expect.stringContaining("key 2 has 27 bytes") as string }]);
  expect(keys.keyIds()).toEqual(ids(OLD));
  rmSync(file);
  await until(() => warnings.length > 1, { timeoutMs: 20_000 });
  expect(keys.keyIds()).toEqual(ids(OLD));
  replace(OLD, NEW);
  await has(OLD, NEW);
});

it("an environment variable is not watched", async () => {
  await watchSecret({ source: { env: "SECRET" }, keys, clock: systemClock, log: silentLog })();
});
