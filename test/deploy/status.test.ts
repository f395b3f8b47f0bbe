import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare, type Shown } from "./console.ts";

const folder = temporaryFolder();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A listener that answers each path with a body of its own. */
async function listener(bodies: Readonly<Record<string, unknown>>, found = 200): Promise<number> {
  const server = createServer((request, response) => {
    const body = bodies[request.url?.split("?")[0] ?? ""];
    response.writeHead(body === undefined ? 404 : found, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body ?? {}));
  });
  servers.push(server);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
async function nobody(): Promise<number> {
  const port = await listener({});
  const server = servers.pop();
  await new Promise((resolve) => server?.close(resolve));
  return port;
}

let files = 0;
function configOf(proxies: readonly number[], hosts: readonly number[]): string {
  const file = join(folder, `${++files}.yaml`);
  const local = (port: number): string => `"127.0.0.1:${port}"`;
  writeFileSync(
    file,
    [
      "cluster: demo",
      "secret: { file: cluster.key }",
      "vault: { directory: ./vault }",
      "proxies:",
      ...proxies.map((admin, n) => `  - { id: proxy-${n + 1}, listen: ${local(60_000 + n)}, admin: ${local(admin)} }`),
      "hosts:",
      ...hosts.map(
        (control, n) =>
          `  - { id: host-${n + 1}, listen: ${local(61_000 + n)}, control: ${local(control)}, data: ./data/${n} }`,
      ),
      "",
    ].join("\n"),
  );
  return file;
}

const status = (file: string, ...args: string[]): Promise<Shown> => hotspare(["status", "--config", file, ...args]);

const view = (pool: object = {}, more: object = {}): object => ({
  cluster: "demo",
  pools: [
    {
      id: "main",
      state: "serving",
      epoch: 3,
      primary: "host-1",
      slot: 70,
      standbys: [{ host: "host-2", slot: 69, lagMs: 4.4 }],
      parked: 0,
      ...pool,
    },
  ],
  hosts: [
    {
      id: "host-1",
      role: "primary",
      health: "up",
      reason: null,
      clockOffsetMs: 0.5,
      clockErrorMs: 2.25,
      quarantined: null,
      version: "0.1.0",
      configHash: "x",
      alarms: [],
    },
    {
      id: "host-2",
      role: "standby",
      health: "down",
      reason: "refused",
      clockOffsetMs: null,
      version: null,
      configHash: null,
      alarms: [],
    },
  ],
  ...more,
});

const proxy = (pool?: object, more?: object): Promise<number> => listener({ "/api/v1/status": view(pool, more) });

/** What a proxy says of proxies, and of clocks. */
const clocks = (self: string, quarantined: string | null): object => ({
  self,
  clockDispute: null,
  proxies: ["proxy-1", "proxy-2"].map((id) =>
    id === self
      ? { id, clockOffsetMs: 0, clockErrorMs: 0, quarantined }
      : { id, clockOffsetMs: -12, clockErrorMs: 2, quarantined: null },
  ),
});

describe("status", () => {
  test("shows what all proxies see", async () => {
    const { code, out, err } = await status(configOf([await proxy(), await proxy()], [1, 2]));
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/main\s+serving\s+3\s+host-1\s+70\s+host-2 at 69 \(4 ms\)/);
    expect(out).toMatch(/host-2\s+down\s+refused/);
    expect(out).toMatch(/proxy-2\s+up\s+yes/);
    expect(out).not.toContain("\u001B");
  });

  test("marks the nodes of this machine where others are elsewhere", async () => {
    const file = configOf([await proxy()], [1, 2]);
    const everything = await status(file, "--json");
    expect(JSON.parse(everything.out)).toMatchObject({
      hosts: [{ own: true }, { own: true }],
      proxies: [{ own: true }],
    });
    expect((await status(file)).out).not.toContain("on this machine");
    const text = readFileSync(file, "utf8").replace('control: "127.0.0.1:2"', 'control: "192.0.2.7:2"');
    writeFileSync(file, text);
    const { out } = await status(file);
    expect(out).toMatch(/host-1 \*\s+up/);
    expect(out).toMatch(/host-2\s+down/);
    expect(out).toContain("*: on this machine");
  });

  test("names a host that runs with another copy of the configuration", async () => {
    const file = configOf([await proxy()], [1, 2]);
    expect((await status(file)).out).toMatch(/host-1\s+up\s+primary\s+0\.1\.0\s+0\.5 ± 2\.3\s+another configuration/);
  });

  test("says what waits for a restart of a node, and what is wrong with a node's file", async () => {
    const said = { configProblem: "hotspare.yaml:3: no", pendingRestart: ["proxies[proxy-1].workers"] };
    const own = { self: "proxy-1", proxies: [{ id: "proxy-1", configHash: "other", ...said }] };
    const file = configOf([await proxy({}, own)], [1, 2]);
    const { out } = await status(file);
    expect(out).toMatch(
      /proxy-1 .*another configuration; needs a restart for proxies\[proxy-1\]\.workers; its configuration file is not right: hotspare\.yaml:3: no/,
    );
    const [shown] = (JSON.parse((await status(file, "--json")).out) as { proxies: readonly object[] }).proxies;
    expect(shown).toMatchObject(said);
  });

  test("shows whose clock each is measured by, and which proxy distrusts its own", async () => {
    const off = "its clock is 12 ms (± 2 ms) behind the median";
    const file = configOf([await proxy({}, clocks("proxy-1", null)), await proxy({}, clocks("proxy-2", off))], [1, 2]);
    const { out } = await status(file);
    expect(out).toContain("clock: ms ahead of that of proxy-1");
    expect(out).toMatch(/proxy-1\s+up\s+yes\s+0\.0 ± 0\.0/);
    expect(out).toMatch(/proxy-2\s+up\s+yes\s+-12\.0 ± 2\.0\s+in quarantine: its clock is 12 ms/);
    expect(JSON.parse((await status(file, "--json")).out)).toMatchObject({
      clockReference: "proxy-1",
      clockDispute: null,
      proxies: [{ quarantined: null }, { quarantined: off, clockOffsetMs: -12, clockErrorMs: 2 }],
    });
  });

  test("shows that two clocks differ, without blame", async () => {
    const clockDispute = "the clock of host-1 is 10000 ms (± 3 ms) ahead of that of proxy-1; which is wrong";
    const { out } = await status(configOf([await proxy({}, { clockDispute })], [1]));
    expect(out).toContain(clockDispute);
    expect(out).not.toContain("quarantine");
  });

  test("believes a proxy of a version that did not say how wrong an offset may be", async () => {
    const { clockErrorMs: _, quarantined: __, ...host } = (view() as { hosts: [Record<string, unknown>] }).hosts[0];
    const { code, out } = await status(configOf([await proxy({}, { hosts: [host] })], [1]));
    expect(code).toBe(0);
    expect(out).toMatch(/host-1\s+up\s+primary\s+0\.1\.0\s+0\.5\s+another/);
  });

  test("shows a node that has no version of the protocol in common", async () => {
    const problem = "speaks protocol 2 to 2; accepted is 1 to 1";
    const { hosts, ...rest } = view() as { readonly hosts: readonly object[] };
    const body = {
      ...rest,
      self: "proxy-1",
      hosts: hosts.map((host, at) => ({ ...host, protocol: at === 1 ? problem : null })),
      proxies: [
        { id: "proxy-1", protocol: null },
        { id: "proxy-2", protocol: problem },
      ],
    };
    const { out } = await status(configOf([await listener({ "/api/v1/status": body }), await nobody()], [1, 2]));
    expect(out).toMatch(new RegExp(`host-2 +down +refused; ${problem}`));
    expect(out).toMatch(new RegExp(`proxy-2 +down +127.*; ${problem}`));
  });

  test("takes no proxy for another one, where admin addresses of several machines are on loopback", async () => {
    const first = (): Promise<number> => listener({ "/api/v1/status": { ...view(), self: "proxy-1" } });
    const { out } = await status(configOf([await first(), await first()], [1, 2]));
    expect(out).toMatch(/proxy-1 +up +yes/);
    expect(out).toMatch(/proxy-2 +down +127\.0\.0\.1:\d+: it is proxy-1/);
  });

  test("names a proxy that does not answer, and believes the others", async () => {
    const file = configOf([await nobody(), await proxy()], [1]);
    const { code, out } = await status(file);
    expect(code).toBe(0);
    expect(out).toMatch(/proxy-1\s+down\s+127\.0\.0\.1:\d+: connect ECONNREFUSED/);
    expect(JSON.parse((await status(file, "--json")).out)).toMatchObject({
      pools: [{ id: "main", primary: "host-1" }],
      proxies: [
        { id: "proxy-1", health: "down", agrees: null },
        { id: "proxy-2", health: "up", agrees: true },
      ],
    });
  });

  test("believes the proxy that knows the newest epoch, and says who differs", async () => {
    const behind = await proxy({ epoch: 2, primary: "host-2" });
    const json: unknown = JSON.parse((await status(configOf([behind, await proxy()], [1]), "--json")).out);
    expect(json).toMatchObject({
      pools: [{ epoch: 3, primary: "host-1" }],
      proxies: [{ agrees: false }, { agrees: true }],
    });
  });

  test("shows maintenance, and who was taken out", async () => {
    const maintenance = { by: "anna", atMs: 1_700_000_000_000, reason: "new switches", untilMs: 1_700_000_060_000 };
    const [, out] = (view() as { hosts: [object, object] }).hosts;
    const hosts = [{ ...out, offline: "taken offline by anna: new disks", reason: null }];
    const file = configOf([await proxy({}, { maintenance, hosts })], [1]);
    const shown = await status(file);
    expect(shown.out).toMatch(/^maintenance by anna since 2023-11-1\d .*, until 2023-11-1\d .*: new switches$/m);
    expect(shown.out).toMatch(/^host-2 .* taken offline by anna: new disks$/m);
    expect(JSON.parse((await status(file, "--json")).out)).toMatchObject({ maintenance });
  });

  test("ends with exit code 69 while a pool has no primary", async () => {
    const { code, out, err } = await status(configOf([await proxy({ state: "waiting", primary: null })], [1]));
    expect([code, err]).toEqual([69, "hotspare: Pool main is not served: it is waiting (HS_POOL_UNSERVED)"]);
    expect(out).toMatch(/main\s+waiting/);
  });

  test("asks the hosts where no proxy answers", async () => {
    const body = (host: string, serving: boolean, epoch: number) => ({
      host,
      version: "0.1.0",
      quarantined: host === "host-2" ? "its clock is 900 ms (± 2 ms) ahead of the median" : null,
      pools: [{ pool: "main", role: serving ? "primary" : "standby", serving, epoch, slot: 9, lagMs: 0, alarm: null }],
    });
    const deposed = await listener({ "/health": body("host-1", true, 4) });
    const primary = await listener({ "/health": body("host-2", true, 5) });
    const file = configOf([await nobody()], [deposed, primary, await nobody()]);
    const { code, out } = await status(file);
    expect(code).toBe(0);
    expect(out).toContain("no proxy answers: as the hosts say");
    expect(out).toMatch(/main\s+serving\s+5\s+host-2/);
    expect(out).toMatch(/host-3\s+down/);
    expect(out).toMatch(/host-2\s+up\s+primary.*in quarantine: its clock is 900 ms/);
  });

  test("ends with exit code 69 where nobody answers", async () => {
    const { code, out, err } = await status(configOf([await nobody()], [await nobody()]));
    expect([code, err]).toEqual([69, expect.stringContaining("(HS_UNREACHABLE)")]);
    expect(out).toMatch(/main\s+unknown/);
  });

  test.each([
    ["a web server", "<html>"],
    ["other JSON", { status: "fine" }],
    ["the proxy of another cluster", view({}, { cluster: "other" })],
  ])("takes %s at the address of a proxy for no proxy of this cluster", async (_, body) => {
    const file = configOf([await listener({ "/api/v1/status": body })], [await nobody()]);
    expect(JSON.parse((await status(file, "--json")).out)).toMatchObject({
      source: "nobody",
      proxies: [{ health: "down" }],
    });
  });
});

describe("checkpoint", () => {
  test("where no host serves says what each of them answered", async () => {
    const standby = await listener({ "/primary": { host: "host-1", reason: "pool main: it is standby" } }, 503);
    const file = configOf([], [standby, await nobody()]);
    const { code, err } = await hotspare(["checkpoint", "--config", file]);
    expect([code, err]).toEqual([69, expect.stringContaining("host-1")]);
    expect(err).toMatch(/host-1: .*host-2: connect ECONNREFUSED.*\(HS_POOL_UNSERVED\)$/);
  });

  test.each([
    [["--host", "host-x"], "has no host host-x; it has host-1"],
    [["--pool", "other"], "has no pool other; it has main"],
  ])("%j is misuse that names what there is", async (args, text) => {
    const { code, err } = await hotspare(["checkpoint", "--config", configOf([], [1]), ...args]);
    expect([code, err]).toEqual([64, expect.stringContaining(text)]);
  });
});
