/** What operations decided reaches the configuration that a node runs with, and its file; a file that is fixed holds nothing up. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DecidedConfig } from "../../../shared/config/decided-config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { EXAMPLE } from "./example-config.ts";

let folder: string;
let file: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-decided-"));
  file = join(folder, "hotspare.yaml");
  writeFileSync(file, EXAMPLE);
  said = [];
});
afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

const note = (_: object, text: string): void => void said.push(text);
const log: Log = { ...silentLog, info: note, warn: note };
const hostsOf = (text: string): readonly string[] => [...text.matchAll(/id: (host-\w+)/g)].map(([, id = ""]) => id);
const without = (node: string, revision = 1): Decisions => ({ ...NO_DECISIONS, revision, removed: [node] });

function node(): { readonly decided: DecidedConfig; readonly runs: string[][] } {
  const decided = new DecidedConfig({ file, env: {}, log });
  const runs: string[][] = [];
  const refresh = (): void => void runs.push(decided.effective(loadConfig(file, {})).hosts.map(({ id }) => id));
  decided.follow({ refresh });
  return { decided, runs };
}

it("a node that was removed is gone from what runs, and from the file", async () => {
  const { decided, runs } = node();
  const [first = ""] = hostsOf(EXAMPLE);
  decided.decided(without(first));
  await decided.stop();
  expect(runs.at(-1)).not.toContain(first);
  expect(hostsOf(readFileSync(file, "utf8"))).toEqual(hostsOf(EXAMPLE).filter((id) => id !== first));
});

it("what was decided before anybody followed is not forgotten; what is older than that changes nothing", async () => {
  const [first = "", second = ""] = hostsOf(EXAMPLE);
  const decided = new DecidedConfig({ file, env: {}, log });
  decided.decided(without(first, 2));
  decided.decided(without(second, 1));
  const runs: string[][] = [];
  decided.follow({ refresh: () => void runs.push(decided.effective(loadConfig(file, {})).hosts.map(({ id }) => id)) });
  await decided.stop();
  expect([runs.at(-1)?.includes(first), runs.at(-1)?.includes(second)]).toEqual([false, true]);
});

it.skipIf(process.getuid?.() === 0)("a file that cannot be written: the decision holds, and it is told", async () => {
  const { decided, runs } = node();
  const [first = ""] = hostsOf(EXAMPLE);
  chmodSync(folder, 0o555);
  decided.decided(without(first));
  await decided.stop();
  expect(runs.at(-1)).not.toContain(first);
  expect(said).toEqual(["what was decided is in force, and cannot be written to the file"]);
});

it("a file that is broken just now: the decision holds, and it is told", async () => {
  const decided = new DecidedConfig({ file, env: {}, log });
  decided.follow({ refresh: () => undefined });
  const config = loadConfigOf(EXAMPLE);
  writeFileSync(file, "hosts: [");
  decided.decided(without(config.hosts[0]?.id ?? ""));
  await decided.stop();
  expect(decided.effective(config).hosts.length).toBe(config.hosts.length - 1);
  expect(said).toEqual(["what was decided is in force, and cannot be written to the file"]);
});

function loadConfigOf(text: string): ReturnType<typeof loadConfig> {
  const other = join(folder, "other.yaml");
  writeFileSync(other, text);
  return loadConfig(other, {});
}
