/** A whole proxy with TLS on each of its ways, and hosts that are fake but speak TLS too. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:tls";
import { pino } from "pino";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { Config, TlsFiles } from "../../shared/config/config.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemSockets, type NodeSockets, type Sockets } from "../../shared/sockets.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { Networks } from "../../shared/tls/networks.ts";
import { startProxy } from "../../proxy/proxy.ts";
import type { RunningProxy } from "../../proxy/running-proxy.ts";
import { Authority } from "../certificates.ts";
import { until } from "../until.ts";
import { FakeHost } from "./fake-host.ts";
import { FakeTransport } from "./fake-transport.ts";
import { configOf, NO_INBOX } from "./running.ts";

const ours = new Authority("ours");
const theirs = new Authority("theirs");
const node = ours.issue("node");
afterAll(() => [ours, theirs].forEach((authority) => authority.remove()));

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const SECTIONS = ["public", "admin", "control", "data"] as const;
const all = (files: TlsFiles): Config["tls"] => ({ public: files, admin: files, control: files, data: files });
const open = (tls: Config["tls"]): Promise<Networks<(typeof SECTIONS)[number]>> =>
  Networks.open(SECTIONS, { tls, under: systemSockets, clock: systemClock, log: silentLog });

let host: FakeHost;
let client: NodeSockets;
beforeEach(async () => {
  host = new FakeHost("host-a", 1);
  host.serve(1);
  host.script = ({ headers }, response) =>
    response.end(`${String(headers["x-forwarded-proto"])} ${String(headers["forwarded"])}`);
  client = (await open(all(node))).sockets;
  stops.push(() => host.stop());
});

/** A proxy with `tls`, before a host whose data listener has `data`. */
async function start(tls: Config["tls"], data: TlsFiles): Promise<RunningProxy> {
  const { sockets } = await open({ ...all(node), data });
  const read = await configOf([]);
  const listen = await sockets.data.listen(host.server, { host: "127.0.0.1", port: 0 }, "data");
  const [own] = read.hosts;
  const config: Config = {
    ...read,
    tls,
    hosts: [
      {
        ...own,
        id: host.id,
        listen,
        control: listen,
        advertise: listen,
        data: "/",
        mode: "primary",
        candidate: true,
        vault: null,
      },
    ],
    pools: read.pools.map((pool) => ({ ...pool, preferred: [host.id], park: { ...pool.park, waitMs: 500 } })),
  };
  const proxy = await startProxy({
    config,
    id: parseNodeId("proxy-1"),
    clock: systemClock,
    random: systemRandom,
    sockets: (await open(tls)).sockets,
    log: pino({ level: "silent" }),
    connect: () => new FakeTransport([host], systemClock),
    ...NO_INBOX,
  });
  stops.push(() => proxy.stop());
  await until(() => proxy.status().pools[0]?.state === "serving");
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(sockets: Sockets, { host: name, port }: RunningProxy["addresses"]["listen"], path = "/"): Promise<Answer> {
  const agent = new DialingAgent(sockets, {});
  return new Promise((resolve, reject) => {
    const sent = request({ host: name, port, path, agent }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("a request goes by TLS to the proxy and from it to the host, which is told that it came by https", async () => {
  const proxy = await start(all(node), node);
  const { status, text } = await ask(client.public, proxy.addresses.listen);
  expect([status, text]).toEqual([200, expect.stringMatching(/^https for=127\.0\.0\.1;proto=https;host=/)]);
  expect(host.received).toHaveLength(1);
  expect((await ask(client.admin, proxy.addresses.admin, "/api/v1/status")).text).toContain('"serving"');
});

test("a request by plain HTTP says so, also where the way to the host is TLS", async () => {
  const proxy = await start({ ...all(node), public: null }, node);
  expect((await ask(systemSockets, proxy.addresses.listen)).text).toMatch(/^http for=127\.0\.0\.1;proto=http;host=/);
});

test("an upgrade passes through both", async () => {
  host.server.on("upgrade", (_, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  });
  const { addresses } = await start(all(node), node);
  const socket = client.public.dial(addresses.listen);
  socket.write(
    "GET /ws HTTP/1.1\r\nhost: x\r\nsec-websocket-key: k\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  expect(String((await once(socket, "data"))[0])).toContain("101");
  socket.write("hello");
  expect(String((await once(socket, "data"))[0])).toBe("hello");
  socket.destroy();
});

test.each([
  ["whose certificate is of another CA", () => theirs.issue("other")],
  ["that does not take the proxy's certificate", () => ({ ...node, ca: theirs.ca })],
])(
  "a host %s gets nothing of a request and is not called down; the request waits, and ends as parked",
  async (_, data) => {
    const proxy = await start(all(node), data());
    const { status, text } = await ask(client.public, proxy.addresses.listen);
    expect([status, text]).toEqual([503, expect.stringContaining("HS_PARKED_TOO_LONG")]);
    expect(host.received).toEqual([]);
    expect(proxy.status().hosts).toMatchObject([{ id: "host-a", health: "up" }]);
    expect(host.orders).toBe(0);
  },
);

test("a client without a certificate is told so by the public and by the admin listener", async () => {
  const { addresses } = await start(all(node), node);
  const dial: Sockets["dial"] = ({ host: name, port }) => connect({ host: name, port, ca: readFileSync(ours.ca) });
  const bare: Sockets = { ...systemSockets, dial };
  for (const address of [addresses.listen, addresses.admin]) {
    expect(await ask(bare, address)).toMatchObject({
      status: 403,
      text: expect.stringContaining("HS_TLS_REFUSED") as string,
    });
  }
  expect(host.received).toEqual([]);
});
