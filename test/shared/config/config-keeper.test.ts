import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Config } from "../../../shared/config/config.ts";
import { ConfigKeeper } from "../../../shared/config/config-keeper.ts";
import type { ConfigStanding } from "../../../shared/config/config-standing.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";
import { EXAMPLE, temporaryFolder } from "./example-config.ts";

const folder = temporaryFolder();
let file: string;
let keeper: ConfigKeeper;
let applied: ConfigStanding[];
let errors: object[];
let effective: (config: Config) => Config;
let files = 0;

beforeEach(() => {
  file = join(folder, `hotspare-${files++}.yaml`);
  write("250ms");
  begin();
});
afterEach(() => keeper.stop());

function begin(): void {
  applied = [];
  errors = [];
  effective = (config) => config;
  const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
  const owner = { kind: "host", id: parseNodeId("host-a") } as const;
  const given = { config: loadConfig(file, {}), owner, env: {}, clock: systemClock, log };
  keeper = new ConfigKeeper({ ...given, effective: (config) => effective(config), apply: (to) => applied.push(to) });
  keeper.start();
}

const text = (interval: string): string => `${EXAMPLE}health: { interval: ${interval} }\n`;
const write = (interval: string, to = file): void => writeFileSync(to, text(interval));
const last = (): ConfigStanding | undefined => applied.at(-1);
const has = (intervalMs: number): Promise<unknown> =>
  until(() => last()?.config.health.intervalMs === intervalMs, { timeoutMs: 20_000 });

it("a file that is edited in place, or replaced as editors do, is taken, again and again", async () => {
  write("300ms");
  await has(300);
  write("350ms", `${file}.new`);
  renameSync(`${file}.new`, file);
  await has(350);
  rmSync(file);
  write("400ms");
  await has(400);
  write("450ms");
  await has(450);
  expect(last()).toMatchObject({ problem: null, pendingRestart: [] });
});

it("a file behind a link that is pointed elsewhere is taken, as where many machines are configured by one tool", async () => {
  await keeper.stop();
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  for (const [place, interval] of [
    [one, "250ms"],
    [two, "600ms"],
  ] as const) {
    mkdirSync(place);
    write(interval, join(place, "hotspare.yaml"));
  }
  const link = join(folder, "current");
  symlinkSync(one, link);
  file = join(link, "hotspare.yaml");
  begin();
  symlinkSync(two, `${link}.new`);
  renameSync(`${link}.new`, link);
  await has(600);
});

it("a file that is not right changes nothing, is told once, and is over when it is right", async () => {
  write("soon");
  await until(() => typeof last()?.problem === "string", { timeoutMs: 20_000 });
  expect(last()?.problem).toContain("health.interval");
  expect(last()?.config.health.intervalMs).toBe(250);
  rmSync(file);
  await until(() => last()?.problem?.includes("no such file") === true, { timeoutMs: 20_000 });
  write("250ms");
  await until(() => last()?.problem === null, { timeoutMs: 20_000 });
  expect(last()?.config.health.intervalMs).toBe(250);
  expect(errors).toHaveLength(2);
});

it("what needs a restart is not taken by half, and is named until it is taken back", async () => {
  writeFileSync(file, text("300ms").replace("7101", "7109"));
  await has(300);
  expect(last()?.pendingRestart).toEqual(["hosts[host-a].control"]);
  expect(last()?.config.hosts[0]?.control.port).toBe(7101);
  write("300ms");
  await until(() => last()?.pendingRestart.length === 0, { timeoutMs: 20_000 });
  expect(keeper.standing).toBe(last());
});

it("what operations decide beside the file is taken when it changes, and is kept over an edit of the file", async () => {
  effective = (config) => ({ ...config, rejoin: "manual" });
  keeper.refresh();
  expect(last()?.config.rejoin).toBe("manual");
  write("300ms");
  await has(300);
  expect(last()?.config.rejoin).toBe("manual");
  effective = (config) => config;
  keeper.refresh();
  expect(last()?.config.rejoin).toBe("auto");
  expect(last()?.config.hash).toBe(loadConfig(file, {}).hash);
});
