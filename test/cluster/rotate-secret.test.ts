/** The cluster's key is exchanged in real processes that serve meanwhile: nothing is restarted, refused or lost. */
import { copyFileSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes, ON_LOOPBACK } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const VARIABLE = "HOTSPARE_TEST_KEY_FILE";

let nodes: Nodes;
afterEach(async ({ task }) => {
  delete process.env[VARIABLE];
  await nodes.end({ keep: task.result?.state === "fail" });
});

async function startLoad(): Promise<Writers> {
  nodes.startAll();
  await nodes.served();
  const headers = { "content-type": "application/json" };
  await fetch(`${nodes.url()}/spaces/load`, { method: "PUT", body: "{}", headers });
  const writers = new Writers({ url: () => nodes.url(), clients: 2, space: "load" });
  await until(() => writers.acknowledged.length > 20, { timeoutMs: 60_000 });
  await until(async () => (await nodes.status()).pools[0]?.standbys.length === nodes.hosts.size - 1, {
    timeoutMs: 60_000,
  });
  return writers;
}

/** Also that a takeover goes with the new key alone. */
async function checkUnharmed(writers: Writers): Promise<void> {
  const primary = await nodes.served();
  await nodes.signal(primary, "SIGKILL");
  await until(async () => ![null, primary].includes(await nodes.primary()), { timeoutMs: 60_000 });
  const before = writers.acknowledged.length;
  await until(() => writers.acknowledged.length > before + 20, { timeoutMs: 60_000 });
  await writers.stop();
  expect(writers.failures).toEqual([]);
  const ids = await documentIds(nodes.url(), "load");
  expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
  for (const id of [...nodes.hosts.keys(), ...nodes.proxies.keys()]) {
    expect(nodes.log(id), id).not.toContain("a message was refused");
    expect(nodes.log(id), id).not.toContain('"reason":"rejected"');
  }
  expect(nodes.unexpectedEnds).toEqual([]);
}

const shown = async (): Promise<{ readonly keys: readonly { readonly id: string; readonly use: string }[] }> =>
  JSON.parse(await nodes.command("secret", "show", "--json")) as Awaited<ReturnType<typeof shown>>;

test("on one machine one call does all, twice in a row", { timeout: 120_000 }, async () => {
  nodes = await Nodes.make({ hosts: 2, proxies: 2 });
  const file = join(nodes.folder, "cluster.key");
  const writers = await startLoad();
  const [old] = (await shown()).keys;
  expect(await nodes.command("secret", "rotate", "--dry-run")).toContain("append a new key");
  const first = JSON.parse(await nodes.command("secret", "rotate", "--json")) as { keys: string[]; steps: string[] };
  expect(first.steps).toEqual(["append", "promote", "remove"]);
  expect(first.keys).toHaveLength(1);
  expect(first.keys).not.toContain(old?.id);
  const second = await nodes.command("secret", "rotate");
  const now = await shown();
  expect(now.keys).toMatchObject([{ use: "signs", nodes: ["host-a", "host-b", "proxy-1", "proxy-2"] }]);
  expect(first.keys).not.toContain(now.keys[0]?.id);
  const secret = readFileSync(file, "utf8").trim();
  expect(second + JSON.stringify([first, now])).not.toContain(secret.slice(0, 20));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await checkUnharmed(writers);
});

test("with copies it says whose machine needs the file, and goes on when it has it", { timeout: 120_000 }, async () => {
  // Each node has a file of its own, as on machines of their own.
  const fileOf = (id: string): string => join(nodes.folder, `${id}.key`);
  const placement = { ...ON_LOOPBACK, environment: (id: string) => ({ [VARIABLE]: fileOf(id) }) };
  nodes = await Nodes.make({ hosts: 2, proxies: 1, placement });
  for (const id of ["host-a", "host-b", "proxy-1"]) copyFileSync(join(nodes.folder, "cluster.key"), fileOf(id));
  writeFileSync(nodes.config, readFileSync(nodes.config, "utf8").replace("cluster.key", `"\${${VARIABLE}}"`));
  process.env[VARIABLE] = fileOf("host-a");
  const copyTo = (id: string): void => {
    copyFileSync(fileOf("host-a"), `${fileOf(id)}.tmp`);
    renameSync(`${fileOf(id)}.tmp`, fileOf(id));
  };
  const rotate = (wait: string): Promise<string> =>
    nodes.command("secret", "rotate", "--wait", wait).then(
      () => "done",
      (error: Error) => error.message,
    );
  const writers = await startLoad();
  copyTo("proxy-1");
  const said = await rotate("3s");
  expect(said).toContain("ended with 69");
  expect(said).toMatch(/host-b does not know key [0-9a-f]{16}: copy host-a.key to its machine; proxy-1 does not know/);
  copyTo("proxy-1");
  expect(await rotate("3s")).toMatch(/waits: host-b does not know key [0-9a-f]{16}: copy host-a.key to its machine \(/);
  copyTo("host-b");
  expect(await rotate("5s")).toMatch(/host-b still signs with key [0-9a-f]{16}.*; proxy-1 still signs/);
  // From another machine that has the newest file, too.
  copyTo("host-b");
  process.env[VARIABLE] = fileOf("host-b");
  expect(await rotate("3s")).toMatch(/waits: proxy-1 still signs with key/);
  process.env[VARIABLE] = fileOf("host-a");
  copyTo("proxy-1");
  expect(await rotate("5s")).toMatch(/host-b still accepts key [0-9a-f]{16}: copy host-a.key to its machine; proxy-1/);
  // Nobody may begin another one before that is done.
  expect(await rotate("1s")).toMatch(/host-b accepts key [0-9a-f]{16}, which host-a.key does not have/);
  copyTo("host-b");
  copyTo("proxy-1");
  await until(async () => (await shown()).keys.length === 1);
  await until(async () => {
    const { hosts, proxies } = JSON.parse(await nodes.command("status", "--json")) as {
      readonly hosts: readonly { readonly keys: readonly string[] }[];
      readonly proxies: readonly { readonly keys: readonly string[] }[];
    };
    return [...hosts, ...proxies].every(({ keys }) => keys.length === 1);
  });
  await checkUnharmed(writers);
});
