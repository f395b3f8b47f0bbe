/**
 * A year of a cluster, as its operators have it: three machines set up from nothing, a disk lost, a host replaced, a
 * configuration mistake, an upgrade, planned work, and a restore to another place. Clients write from the first day to the last
 * one; no request fails, and in the end all data is there.
 */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { Machines } from "./machines.ts";
import { documentIds } from "./writers.ts";
import { PROXIES, SPACE, Year } from "./year.ts";

const [ONE, TWO, THREE, FOUR] = ["machine-1", "machine-2", "machine-3", "machine-4"] as const;
const PATIENCE = { timeoutMs: 60_000, everyMs: 200 };
/** Patient with a host that is slow to answer: two processors run everything, and only those that end are to be replaced. */
const FIGURES = ["health: { interval: 100ms, timeout: 1s, failures: 20 }", "gossip: { interval: 100ms }"];

interface Problems {
  readonly hosts: readonly { readonly id: string; readonly configProblem: string | null }[];
}

interface Restored {
  readonly lsn: number;
}

interface ToldEvent {
  readonly by: string;
  readonly source: string;
  readonly type: string;
}

async function setUp(year: Year): Promise<void> {
  const { machines } = year;
  for (const id of ["host-a", "proxy-1"]) machines.start(id);
  await machines.settled({ proxies: ["proxy-1"], standbys: 0 });
  for (const [id, machine] of [
    ["host-b", TWO],
    ["host-c", THREE],
    ["proxy-2", THREE],
  ] as const) {
    await machines.join(id, machine, ONE);
    machines.start(id);
  }
  expect(await year.settled()).toBe("host-a");
  await year.alike(ONE, TWO, THREE);
  for (const machine of [ONE, TWO, THREE]) await machines.command(machine, "doctor");
  await year.beginLoad();
}

async function loseDisk(year: Year): Promise<void> {
  const { machines } = year;
  const primary = await year.settled();
  await machines.stop(primary, "SIGKILL");
  rmSync(machines.dataOf(primary), { recursive: true });
  expect(await year.tookOver(/^(?:refused|data-unreachable)/, { down: 1 })).not.toBe(primary);
  machines.start(primary);
  await year.settled();
}

async function replaceHost(year: Year): Promise<void> {
  const { machines } = year;
  const served = await year.settled();
  await machines.command(ONE, "node", "offline", "host-b", "--reason", "its lease ends");
  if (served === "host-b") await year.handedOver(/^taken offline by ann: its lease ends$/, { down: 1 });
  await machines.stop("host-b");
  await machines.command(ONE, "node", "remove", "host-b", "--yes");
  year.hosts = ["host-a", "host-c"];
  await year.settled();
  await machines.join("host-d", FOUR, ONE);
  machines.start("host-d");
  year.hosts = ["host-a", "host-c", "host-d"];
  await year.settled();
  await year.alike(ONE, THREE, FOUR);
  for (const machine of [ONE, THREE, FOUR]) {
    expect(machines.read(machine)).not.toContain("host-b");
    expect(machines.read(machine)).toContain("host-d");
  }
}

async function mistakeConfiguration(year: Year): Promise<void> {
  const { machines } = year;
  const [file, right] = [machines.config(THREE), machines.read(THREE)];
  writeFileSync(`${file}.new`, right.replace("interval: 100ms", "interval: soon"));
  renameSync(`${file}.new`, file);
  await until(async () => {
    const { hosts } = await machines.json<Problems>(ONE, "status");
    return hosts.some(({ id, configProblem }) => id === "host-c" && configProblem?.includes("health.interval"));
  }, PATIENCE);
  await year.passed("a mistake in one copy of the configuration: told, and nothing changed");
  writeFileSync(`${file}.new`, right);
  renameSync(`${file}.new`, file);
  await year.alike(THREE);
  for (const machine of [ONE, THREE, FOUR])
    await machines.command(machine, "config", "set", "health.interval", "150ms");
  await year.alike(ONE, THREE, FOUR);
  const effective = await machines.json<{ readonly health: { readonly intervalMs: number } }>(
    FOUR,
    "config",
    "show",
    "--effective",
  );
  expect(effective.health.intervalMs).toBe(150);
}

async function upgrade(year: Year): Promise<void> {
  const { machines } = year;
  const primary = await year.settled();
  for (const host of [...year.hosts.filter((id) => id !== primary), primary]) await year.restart(host);
  for (const proxy of PROXIES) {
    await machines.stop(proxy);
    machines.start(proxy);
    await year.settled();
  }
  expect(await machines.json(ONE, "upgrade", "check")).toMatchObject({ steps: [] });
  expect(await machines.command(ONE, "upgrade", "finish")).toContain("already");
}

async function planWork(year: Year): Promise<void> {
  const { machines } = year;
  const primary = await year.settled();
  await machines.command(ONE, "maintenance", "on", "--reason", "switches are replaced");
  await machines.stop(primary);
  machines.start(primary);
  expect(await year.tookOver(/^the owner of the newest fence started$/)).toBe(primary);
  await machines.command(ONE, "maintenance", "off");
  const next = year.standbyOf(primary);
  await machines.command(THREE, "switchover", "--to", next, "--reason", "new disks");
  expect(await year.handedOver(/^switchover by ann: new disks$/)).toBe(next);
  await machines.command(FOUR, "failover", "--to", primary, "--reason", "an exercise", "--yes");
  expect(await year.tookOver(/^failover by ann: an exercise$/)).toBe(primary);
}

/** What is restored while clients write becomes the state of another cluster, with another vault. */
async function moveElsewhere(year: Year): Promise<void> {
  const file = join(year.machines.folder, "restored.db");
  const { lsn } = await year.machines.json<Restored>(FOUR, "restore", "--to", file);
  const known = year.load.acknowledged.filter((write) => write.lsn <= lsn).map(({ id }) => id);
  expect(known.length).toBeGreaterThan(0);
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare("select id from documents where space = ? and value is not null").all(SPACE);
  db.close();
  const restored = new Set(rows.map(({ id }) => String(id)));
  expect(known.filter((id) => !restored.has(id))).toEqual([]);

  const elsewhere = await Machines.first("elsewhere", ONE);
  onTestFinished(({ task }) => elsewhere.end({ keep: task.result?.state === "fail" }));
  await elsewhere.command(ONE, "import", file, "--host", "host-a");
  for (const id of ["host-a", "proxy-1"]) elsewhere.start(id);
  await elsewhere.settled({ proxies: ["proxy-1"], standbys: 0 });
  expect((await documentIds(elsewhere.url("proxy-1"), SPACE)).toSorted()).toEqual([...restored].toSorted());
  expect(elsewhere.endedByThemselves).toEqual([]);
}

async function closeTheYear(year: Year): Promise<void> {
  const { machines, load } = year;
  await load.stop();
  expect(load.failures).toEqual([]);
  const told = load.acknowledged.map(({ id }) => id).toSorted();
  for (const proxy of PROXIES) expect((await documentIds(machines.url(proxy), SPACE)).toSorted()).toEqual(told);
  const hashes = await machines.stateHashes(ONE, year.hosts);
  expect(new Set(hashes).size).toBe(1);
  await machines.command(ONE, "vault", "verify");
  const causes = (await year.takeovers()).map(({ cause }) => cause);
  expect(causes).toEqual(year.causes.map((cause) => expect.stringMatching(cause)));
  const shown = await machines.command(ONE, "events", "--limit", "10000", "--json");
  const events = shown
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ToldEvent);
  const decided = events.filter(({ source, by }) => source === "operators" && by === "ann");
  expect(decided.map(({ type }) => type)).toEqual([
    "add",
    "add",
    "add",
    "offline",
    "remove",
    "add",
    "maintenance-on",
    "maintenance-off",
  ]);
}

test("a year: nothing is lost, and no request fails", { timeout: 480_000 }, async () => {
  const machines = await Machines.first("shop", ONE, FIGURES);
  onTestFinished(({ task }) => machines.end({ keep: task.result?.state === "fail" }));
  const year = new Year(machines, ONE);
  await setUp(year);
  await year.passed("three machines are set up from nothing, and the doctor finds no error");
  await loseDisk(year);
  await year.passed("the primary and its disk are lost; it comes back as a warm standby");
  await replaceHost(year);
  await year.passed("host-b is replaced by host-d on another machine, in every copy of the configuration");
  await mistakeConfiguration(year);
  await year.passed("a right change of the configuration holds");
  await upgrade(year);
  await year.passed("every node is restarted, and the upgrade finished");
  await planWork(year);
  await year.passed("maintenance, a switchover and a forced failover");
  await moveElsewhere(year);
  await year.passed("a restored file is the state of another cluster");
  await closeTheYear(year);
});
