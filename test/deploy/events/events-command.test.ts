/** `hotspare events` where the proxies, the vault and the hosts answer or do not. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { until } from "../../until.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { hotspare, type Shown } from "../console.ts";

const folder = temporaryFolder();
const file = join(folder, "hotspare.yaml");
const servers: Server[] = [];
const streams: { readonly since: string | undefined; readonly response: ServerResponse }[] = [];

const down = { type: "verdict", host: "host-a", from: "up", verdict: { type: "down", reason: "refused" } };
const notes = [
  { number: 7, atMs: 1_700_000_000_000, ...down },
  {
    number: 8,
    atMs: 1_700_000_000_100,
    type: "served",
    pool: "main",
    host: "host-b",
    epoch: 2,
    phases: { totalMs: 90 },
  },
];

async function proxy(self: string, cluster = "demo"): Promise<number> {
  const server = createServer(({ headers }, response) => {
    if (headers.accept === "application/json")
      return void response.end(JSON.stringify({ cluster, self, events: notes }));
    response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 1000\n\n");
    streams.push({ since: headers["last-event-id"] as string | undefined, response });
  });
  servers.push(server);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  return (server.address() as AddressInfo).port;
}

async function configure(admins: readonly number[]): Promise<void> {
  const proxies = admins.map(
    (admin, n) => `  - { id: proxy-${n + 1}, listen: "127.0.0.1:${60_100 + n}", admin: "127.0.0.1:${admin}" }`,
  );
  const host = '  - { id: host-a, listen: "127.0.0.1:1", control: "127.0.0.1:2", data: ./data }';
  const head = ["cluster: demo", "secret: { file: cluster.key }", "vault: { directory: ./vault }"];
  writeFileSync(file, [...head, "proxies:", ...proxies, "hosts:", host, ""].join("\n"));
  rmSync(join(folder, "vault"), { recursive: true, force: true });
  expect(await hotspare(["init", "--yes", "--config", file])).toMatchObject({ code: 0 });
}

const events = (...args: string[]): Promise<Shown> =>
  hotspare(["events", "--config", file, ...args], { clock: systemClock });

beforeEach(() => void streams.splice(0));
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("what two proxies saw is one line of time, and who was not heard is named at the end", async () => {
  await configure([await proxy("proxy-1"), await proxy("proxy-2")]);
  const { code, out } = await events();
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    expect.stringMatching(/proxy-1: proxies see host-a down \(refused\)$/),
    expect.stringMatching(/proxy-1: requests of pool main go to host-b, epoch 2, after 90 ms$/),
    expect.stringMatching(/^not heard \(operators\): revisions: host-a: /),
  ]);
});

test("programs get all that each of them said, one object a line", async () => {
  await configure([await proxy("proxy-1"), await proxy("proxy-2")]);
  const lines = (await events("--json")).out.split("\n").map((line) => JSON.parse(line) as object);
  expect(lines.filter((line) => "atMs" in line)).toHaveLength(4);
  expect(lines).toContainEqual(
    expect.objectContaining({ by: "proxy-2", details: expect.objectContaining({ number: 7 }) }),
  );
  expect(lines.at(-1)).toMatchObject({ silent: { source: "operators" } });
});

test("old ones are left out, and the newest are shown where there are too many", async () => {
  await configure([await proxy("proxy-1")]);
  expect((await events("--since", "1h")).out).not.toContain("host-a down");
  const { out } = await events("--limit", "1");
  expect(out).toContain("epoch 2");
  expect(out).not.toContain("host-a down");
  for (const wrong of [
    ["--since", "soon"],
    ["--limit", "0"],
    ["--host", "host-x"],
  ])
    expect(await events(...wrong)).toMatchObject({ code: 64 });
});

test("a proxy of another machine, at whose admin address another one answers, is not taken for it", async () => {
  await configure([await proxy("proxy-1"), await proxy("proxy-1")]);
  expect((await events()).out).toContain("it is proxy-1 of cluster demo");
});

test("the sources that are there are enough; without any it is an error that names them all", async () => {
  await configure([await proxy("proxy-1", "other")]);
  expect(await events()).toMatchObject({ code: 0, out: expect.stringContaining("it is proxy-1 of cluster other") });
  writeFileSync(file, readFileSync(file, "utf8").replace("./vault", "./elsewhere"));
  const { code, err } = await events();
  expect([code, err]).toEqual([
    69,
    expect.stringMatching(/revisions: .*takeovers: .*proxy-1 at .*\(HS_UNREACHABLE\)$/),
  ]);
  expect(await events("--follow")).toMatchObject({ code: 69 });
});

test("--follow goes on from where it was, over a lost connection, until it is stopped", async () => {
  await configure([await proxy("proxy-1")]);
  const following = events("--follow");
  await until(() => streams.length === 1);
  expect(streams[0]?.since).toBe("8");
  // What is no event ends nothing.
  streams[0]?.response.write("data: <html>\n\n");
  streams[0]?.response.end(
    `id: 9\nevent: pool\ndata: ${JSON.stringify({ atMs: 1_700_000_001_000, type: "pool", pool: "main", state: "waiting" })}\n\n`,
  );
  await until(() => streams.length === 2);
  expect(streams[1]?.since).toBe("9");
  process.emit("SIGINT");
  const { code, out } = await following;
  expect([code, out]).toEqual([0, expect.stringMatching(/pool main is waiting$/)]);
});
