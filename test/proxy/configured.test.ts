/** A proxy that is given another configuration while it carries requests: no connection is lost, and what is new holds. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { atStart } from "../../shared/config/config-standing.ts";
import type { Config } from "../../shared/config/config.ts";
import { parsePoolId } from "../../shared/ids.ts";
import { until } from "../until.ts";
import { FakeHost, fenceOf, hostReport, poolReport } from "./fake-host.ts";
import { codeOf, open, send } from "./relay/raw-client.ts";
import { startRunning, type Running } from "./running.ts";

let running: Running;
let config: Config;
const clients: Socket[] = [];
beforeEach(async () => {
  running = await startRunning((given) => (config = given));
  await until(() => serving() === "host-a");
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await running.stop();
});

const serving = (): string | null | undefined => running.proxy.status().pools[0]?.primary;
const configure = (more: Partial<Config>): void => {
  config = { ...config, ...more };
  running.proxy.configure(atStart(config));
};

/** A client whose connection stays open, and what has come on it. */
async function talk(text: string): Promise<{ readonly socket: Socket; readonly heard: () => string }> {
  const { port, host } = running.listen;
  const socket = connect(port, host);
  clients.push(socket);
  let heard = "";
  socket.on("data", (bytes: Buffer) => (heard += bytes.toString()));
  await once(socket, "connect");
  socket.write(text);
  return { socket, heard: () => heard };
}

const UPGRADE =
  "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";

it("a WebSocket, an upload, a stream of events and a kept connection go on while everything around them changes", async () => {
  const [a] = running.hosts;
  a.server.on("upgrade", (_, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  });
  let push: (text: string) => void = () => undefined;
  a.script = (request, response) => {
    if (request.url !== "/events") return void response.end(`${a.id} ${request.body.length}`);
    response.writeHead(200, { "content-type": "text/event-stream" });
    push = (text) => void response.write(text);
    push("data: one\n\n");
  };
  const web = await talk(UPGRADE);
  const events = await talk("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  const upload = await talk("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  const kept = await talk("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => web.heard().includes("101") && events.heard().includes("one") && kept.heard().includes("host-a 0"));
  const [first, second] = config.hosts;
  configure({
    hosts: [first!, second!],
    proxies: config.proxies.slice(0, 1),
    pools: [
      { ...config.pools[0]!, park: { requests: 7, bytes: 1 << 20, waitMs: 900 }, routes: [{ host: null, path: "/" }] },
    ],
    health: { ...config.health, intervalMs: 50 },
  });
  upload.socket.write("def");
  kept.socket.write("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
  web.socket.write("still there");
  push("data: two\n\n");
  await until(() => web.heard().endsWith("still there") && events.heard().includes("two"));
  await until(() => upload.heard().includes("host-a 6") && kept.heard().split("host-a 0").length === 3);
  expect(serving()).toBe("host-a");
  const { hosts, proxies } = running.proxy.status();
  expect([hosts.map(({ id }) => id), proxies.map(({ id }) => id)]).toEqual([["host-a", "host-b"], ["proxy-1"]]);
});

it("a route that is moved to another pool takes the next request there, also one that is new", async () => {
  const second = parsePoolId("second");
  const main = config.pools[0]!;
  configure({ pools: [main, { ...main, id: second, routes: [{ host: null, path: "/second" }] }] });
  const [a, b] = running.hosts;
  const waiting = send(running.listen, { path: "/second/x" });
  await until(() => running.proxy.status().pools[1]?.parked === 1);
  expect((await send(running.listen, { path: "/x" })).body).toBe("host-a");
  const fence = fenceOf("host-b", 1, b.bootId);
  const own = b.report.pools[0]!;
  b.report = hostReport("host-b", b.bootId);
  b.report.pools = [own, poolReport({ pool: second, role: "primary", serving: true, fence })];
  expect((await waiting).body).toBe("host-b");
  configure({ pools: [main] });
  expect((await send(running.listen, { path: "/second/x" })).body).toBe("host-a");
  expect(a.received.at(-1)?.url).toBe("/second/x");
});

it("requests that wait for a pool that is taken out are refused for certain, with the reason", async () => {
  for (const host of running.hosts) host.kill();
  await until(() => serving() === null);
  const waiting = [send(running.listen), send(running.listen, { method: "POST" }, "w")];
  await until(() => running.proxy.status().pools[0]?.parked === 2);
  configure({ pools: [{ ...config.pools[0]!, id: parsePoolId("other"), routes: [{ host: null, path: "/other" }] }] });
  for (const answer of await Promise.all(waiting))
    expect([answer.status, codeOf(answer)]).toEqual([503, "HS_POOL_REMOVED"]);
  expect(codeOf(await send(running.listen))).toBe("HS_NO_ROUTE");
});

it("another bound on waiting holds for the next request, and takes nobody's place", async () => {
  for (const host of running.hosts) host.kill();
  await until(() => serving() === null);
  const waiting = Array.from({ length: 3 }, () => open(running.listen));
  for (const { end } of waiting) end();
  await until(() => running.proxy.status().pools[0]?.parked === 3);
  configure({ pools: [{ ...config.pools[0]!, park: { requests: 3, bytes: 1 << 20, waitMs: 60_000 } }] });
  expect(codeOf(await send(running.listen))).toBe("HS_PARK_FULL");
  expect(running.proxy.status().pools[0]?.parked).toBe(3);
  for (const { leave } of waiting) leave();
});

it("a host that is given another address is used where it was until it answers there, and is never held for dead", async () => {
  const [a] = running.hosts;
  const elsewhere = new FakeHost("host-a", 1);
  elsewhere.script = (_, response) => response.end("moved");
  const address = await elsewhere.listen();
  await elsewhere.stop();
  const hosts = config.hosts.map((host) =>
    host.id === a.id ? { ...host, advertise: address, control: address } : host,
  );
  configure({ hosts });
  // Of probes, most of them: requests keep theirs.
  const connections: unknown[] = [];
  a.server.on("connection", (socket) => connections.push(socket));
  while (connections.length < 10) expect((await send(running.listen)).body).toBe("host-a");
  const again = new FakeHost("host-a", 1);
  again.script = elsewhere.script;
  again.server.listen(address.port, address.host);
  await until(async () => (await send(running.listen)).body === "moved");
  await again.stop();
  expect(running.lines.filter(({ event, verdict }) => event === "verdict" && verdict === "down")).toEqual([]);
});

it("what is wrong with its file, and what waits for its restart, is in its status and its metrics", async () => {
  running.proxy.configure({ config, problem: "line 3: no", pendingRestart: ["proxies[proxy-1].workers"] });
  await until(() => running.proxy.status().proxies[0]?.configProblem === "line 3: no");
  expect(running.proxy.status().proxies[0]).toMatchObject({ pendingRestart: ["proxies[proxy-1].workers"] });
  const { body } = await send(running.admin, { path: "/metrics" });
  expect(body).toContain("hotspare_config_problem 1");
  expect(body).toContain("hotspare_config_pending_restart 1");
  expect((await send(running.admin, { path: "/" })).body).toContain("needs a restart for proxies[proxy-1].workers");
});
