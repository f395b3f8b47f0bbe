/**
 * A cluster is updated to a program that reads a newer version of records, command by command as `hotspare upgrade check`
 * says, while clients write. Nothing newer is written before all hosts can read it, and from then on nobody comes back who
 * cannot. No request fails.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes, ON_LOOPBACK } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const HOOK = new URL("./format-hook.ts", import.meta.url).href;
const HOSTS = ["host-a", "host-b"];
const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };

let nodes: Nodes;
/** The newest version of records that each node's program knows, from its next start on. */
const knows = new Map<string, number>();
const programOf = (known: number) => ({
  NODE_OPTIONS: `--import ${HOOK}`,
  HOTSPARE_TEST_RECORDS: String(known),
});

beforeEach(async () => {
  for (const id of HOSTS) knows.set(id, 1);
  const environment = (id: string) => programOf(knows.get(id) ?? 1);
  nodes = await Nodes.make({ hosts: 2, proxies: 1, placement: { ...ON_LOOPBACK, environment } });
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

interface Plan {
  readonly pools: readonly { readonly pool: string; readonly primary: string | null; readonly format: number | null }[];
  readonly steps: readonly { readonly type: string; readonly node?: string; readonly pool?: string }[];
  readonly nodes: readonly { readonly id: string; readonly records: { readonly max: number } | null }[];
}

/** With the new program. */
const command = (...args: string[]): Promise<string> => nodes.commandIn(programOf(2), ...args);
const check = async (): Promise<Plan> => JSON.parse(await command("upgrade", "check", "--json")) as Plan;
const stepsOf = ({ steps }: Plan): readonly string[] => steps.map(({ type, node, pool }) => `${type} ${node ?? pool}`);
const otherThan = (id: string): string => HOSTS.find((host) => host !== id) ?? "";

const settled = (): Promise<void> =>
  until(async () => {
    const status = await nodes.status().catch(() => null);
    const pool = status?.pools[0];
    return (
      pool?.state === "serving" &&
      pool.standbys.length === 1 &&
      status?.hosts.every(({ health }) => health === "up") === true
    );
  }, PATIENCE);

async function startLoad(): Promise<Writers> {
  nodes.startAll();
  await settled();
  await fetch(`${nodes.url()}/spaces/load`, {
    method: "PUT",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  const writers = new Writers({ url: () => nodes.url(), clients: 2, space: "load" });
  await written(writers);
  return writers;
}

async function written(writers: Writers): Promise<void> {
  const before = writers.acknowledged.length;
  await until(() => writers.acknowledged.length >= before + 10, PATIENCE);
}

async function update(id: string, writers: Writers): Promise<void> {
  await nodes.signal(id, "SIGTERM");
  await written(writers);
  knows.set(id, 2);
  nodes.start(id);
  await settled();
  await written(writers);
}

/** It ends by itself, since its program is too old. */
async function refusesToStart(id: string): Promise<void> {
  const before = nodes.unexpectedEnds.length;
  const from = nodes.log(id).length;
  nodes.start(id);
  await until(() => nodes.unexpectedEnds.length > before, PATIENCE);
  expect(nodes.unexpectedEnds.at(-1)).toMatchObject({ id, code: 78 });
  expect(nodes.log(id).slice(from)).toMatch(/has format version 2; this program reads 1 .*HS_VAULT_FORMAT/);
}

test("records are raised last, and not before all hosts read them", { timeout: 240_000 }, async () => {
  const writers = await startLoad();
  const first = await nodes.served();
  const second = otherThan(first);
  expect(stepsOf(await check())).toEqual([`update ${second}`, `update ${first}`, "finish main"]);
  await update(second, writers);
  expect(stepsOf(await check())).toEqual([`update ${first}`, "finish main"]);
  expect(await command("upgrade", "finish")).toContain("is written in version 1 already");

  await nodes.signal(first, "SIGTERM");
  await written(writers);
  await expect(command("upgrade", "finish")).rejects.toThrow(new RegExp(`${first} cannot be asked.*HS_UPGRADE_WAITS`));
  nodes.start(first);
  await settled();
  await expect(command("upgrade", "finish")).rejects.toThrow(
    `${first} (Hotspare 0.1.0) reads records of version 1, not 2`,
  );
  expect(await check()).toMatchObject({ pools: [{ pool: "main", primary: second, format: 1 }] });

  await update(first, writers);
  expect(stepsOf(await check())).toEqual(["finish main"]);
  expect(await command("upgrade", "finish", "--dry-run")).toContain("would be written in version 2 instead of 1");
  expect(await command("upgrade", "finish")).toContain("is written in version 2 from slot");
  await written(writers);
  expect(await command("upgrade", "finish")).toContain("is written in version 2 already");
  expect(await check()).toMatchObject({ pools: [{ format: 2 }], steps: [] });

  await command("checkpoint");
  await nodes.signal(second, "SIGKILL");
  await until(async () => (await nodes.primary()) === first, PATIENCE);
  await written(writers);
  knows.set(second, 1);
  await refusesToStart(second);
  rmSync(join(nodes.folder, "data", second), { recursive: true });
  await refusesToStart(second);
  knows.set(second, 2);
  nodes.start(second);
  await settled();
  await nodes.signal(first, "SIGTERM");
  await until(async () => (await nodes.primary()) === second, PATIENCE);
  await written(writers);
  nodes.start(first);
  await settled();

  await writers.stop();
  expect(writers.failures).toEqual([]);
  const ids = await documentIds(nodes.url(), "load");
  expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
  expect(new Set(await nodes.freshHashes()).size).toBe(1);
  expect(await command("vault", "verify")).not.toContain("HS_");
  expect(nodes.unexpectedEnds).toHaveLength(2);
});
