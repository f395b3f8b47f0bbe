/** Hooks of real hosts: a refusal stops a switchover and nothing else; a failover asks nobody, and is told. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes } from "./nodes.ts";

/** Each line: event, host, epoch, previous. */
const HOOKS = `health: { stable: 0 }
hooks:
  - { on: [primary, fenced], command: [sh, -c, 'echo "$HOTSPARE_EVENT $HOTSPARE_HOST $HOTSPARE_EPOCH $HOTSPARE_PREVIOUS" >> told'] }
  - { on: before-handover, command: [sh, -c, 'echo "$HOTSPARE_EVENT $HOTSPARE_HOST $HOTSPARE_EPOCH" >> told; test ! -e veto || { echo the backup runs; exit 1; }'] }
`;

let nodes: Nodes;
beforeEach(async () => {
  nodes = await Nodes.make({ hosts: 2, proxies: 1, extra: HOOKS });
  nodes.startAll();
  await nodes.served();
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

const told = (): string[] => {
  const file = join(nodes.folder, "told");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
};

test("a hook refuses a switchover, and is not asked when the primary is killed", { timeout: 240_000 }, async () => {
  const veto = join(nodes.folder, "veto");
  await until(async () => (await nodes.status()).pools[0]?.standbys.length === 1, { timeoutMs: 60_000 });
  await until(() => told().includes("primary host-a 1 "), { timeoutMs: 60_000 });

  writeFileSync(veto, "");
  const refusal = "hooks[1] is against it: it ended with exit code 1: the backup runs";
  await expect(nodes.command("switchover", "--to", "host-b")).rejects.toThrow(refusal);
  expect(await nodes.report("host-a")).toMatchObject({ role: "primary", serving: true, epoch: 1 });
  expect(told()).toEqual(["primary host-a 1 ", "before-handover host-a 1"]);

  rmSync(veto);
  const { successor } = JSON.parse(await nodes.command("switchover", "--json")) as { successor: string };
  await until(() => told().length === 5, { timeoutMs: 60_000 });
  expect(told().slice(2).toSorted()).toEqual([
    "before-handover host-a 1",
    "fenced host-a 1 host-a",
    `primary ${successor} 2 host-a`,
  ]);

  writeFileSync(veto, "");
  await until(async () => (await nodes.status()).pools[0]?.standbys.length === 1, { timeoutMs: 60_000 });
  await nodes.signal(successor, "SIGKILL");
  const other = successor === "host-a" ? "host-b" : "host-a";
  await until(() => told().length > 5, { timeoutMs: 60_000 });
  expect(told().slice(5)).toEqual([`primary ${other} 3 ${successor}`]);
});
