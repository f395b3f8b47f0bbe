/** What operations decided reaches the configuration that a node runs with, and its file; a file that is fixed holds nothing up. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { DecidedConfig } from "../../../shared/config/decided-config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { lockConfig } from "../../../shared/config/lock-config.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { HandClock } from "../../host/hand-clock.ts";
import { until } from "../../until.ts";
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
const WRITTEN = "what was decided is in the file now";
const NOT_WRITTEN = "what was decided is in force, and cannot be written to the file";
const hostsOf = (text: string): readonly string[] => [...text.matchAll(/id: (host-\w+)/g)].map(([, id = ""]) => id);
const inFile = (): readonly string[] => hostsOf(readFileSync(file, "utf8"));
const without = (node: string, revision = 1): Decisions => ({ ...NO_DECISIONS, revision, removed: [node] });
const [FIRST = "", SECOND = ""] = hostsOf(EXAMPLE);

function node() {
  const clock = new HandClock();
  const decided = new DecidedConfig({ file, env: {}, clock, log });
  onTestFinished(() => decided.stop());
  const config = loadConfig(file, {});
  const runs: string[][] = [];
  const refresh = (): void => void runs.push(decided.effective(config).hosts.map(({ id }) => id));
  /** Lets so much pass in a step until it holds: files take real time. */
  const passUntil = (condition: () => boolean, stepMs = 100): Promise<void> =>
    until(async () => {
      await clock.pass(stepMs);
      return condition();
    });
  return { clock, decided, refresh, runs, passUntil };
}

it("a node that was removed is gone from what runs at once, and then from the file", async () => {
  const { clock, decided, refresh, runs, passUntil } = node();
  decided.follow({ refresh });
  decided.decided(without(FIRST));
  await clock.pass(0);
  expect(runs.at(-1)).not.toContain(FIRST);
  await passUntil(() => said.length > 0);
  expect([inFile(), said]).toEqual([hostsOf(EXAMPLE).filter((id) => id !== FIRST), [WRITTEN]]);
});

it("what was decided before anybody followed is not forgotten; what is older than that changes nothing", async () => {
  const { decided, refresh, runs, passUntil } = node();
  decided.decided(without(FIRST, 2));
  decided.decided(without(SECOND, 1));
  decided.follow({ refresh });
  await passUntil(() => said.length > 0);
  expect([runs.at(-1)?.includes(FIRST), runs.at(-1)?.includes(SECOND)]).toEqual([false, true]);
  expect([inFile().includes(FIRST), inFile().includes(SECOND)]).toEqual([false, true]);
});

it("what is decided while the file is written is written too", async () => {
  const { decided, refresh, passUntil } = node();
  decided.follow({ refresh });
  decided.decided(without(FIRST));
  await passUntil(() => said.length > 0);
  decided.decided({ ...NO_DECISIONS, revision: 2, removed: [FIRST, "proxy-1"] });
  await passUntil(() => said.length > 1);
  expect([inFile().includes(FIRST), readFileSync(file, "utf8").includes("proxy-1")]).toEqual([false, false]);
});

it.skipIf(process.getuid?.() === 0)("a file that cannot be written: the decision holds, and it is told", async () => {
  const { decided, refresh, runs, passUntil } = node();
  decided.follow({ refresh });
  chmodSync(folder, 0o555);
  decided.decided(without(FIRST));
  await passUntil(() => said.length > 0);
  expect(runs.at(-1)).not.toContain(FIRST);
  expect(said).toEqual([NOT_WRITTEN]);
});

it("a file that is broken: the decision holds, it is told once, and written when the file is right again", async () => {
  const { clock, decided, refresh, runs, passUntil } = node();
  decided.follow({ refresh });
  writeFileSync(file, "hosts: [");
  decided.decided(without(FIRST));
  await passUntil(() => said.length > 0);
  expect(runs.at(-1)).not.toContain(FIRST);
  for (let revision = 2; revision < 5; revision += 1) {
    decided.decided(without(FIRST, revision));
    for (let step = 0; step < 100; step += 1) await clock.pass(1000);
  }
  expect(said).toEqual([NOT_WRITTEN]);
  writeFileSync(file, EXAMPLE);
  await passUntil(() => said.length > 1, 1000);
  expect([inFile().includes(FIRST), said]).toEqual([false, [NOT_WRITTEN, WRITTEN]]);
});

it("a file that somebody is just writing is left alone, also where its beginning is right by itself", async () => {
  const { decided, refresh, passUntil } = node();
  const begun = `${EXAMPLE}rejoin: manual\n`;
  writeFileSync(file, begun);
  let reads = 0;
  decided.follow({ refresh });
  decided.decided(without(FIRST));
  // It grows as long as somebody looks.
  await passUntil(() => {
    if (inFile().includes(FIRST)) writeFileSync(file, `${begun}# ${"x".repeat((reads += 1))}\n`);
    return reads > 100;
  });
  expect([readFileSync(file, "utf8").startsWith(begun), said]).toEqual([true, []]);
  await passUntil(() => said.length > 0, 1000);
  expect([inFile().includes(FIRST), said]).toEqual([false, [WRITTEN]]);
});

it("a stop does not wait for whoever has the file's lock, and nothing is brought into what runs after it", async () => {
  const { clock, decided, refresh, runs, passUntil } = node();
  const lock = await lockConfig(file);
  decided.follow({ refresh });
  decided.decided(without(FIRST));
  let steps = 0;
  await passUntil(() => (steps += 1) > 40);
  const before = runs.length;
  const stopped = decided.stop();
  decided.decided(without(FIRST, 2));
  await clock.pass(1000);
  await stopped;
  expect([runs.length, inFile()]).toEqual([before, hostsOf(EXAMPLE)]);
  await lock.release();
  await until(() => !inFile().includes(FIRST));
});
