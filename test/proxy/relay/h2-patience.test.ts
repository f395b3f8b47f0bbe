/** How long a client of HTTP/2 may stay as it is: the time is the test's, a look at a connection stands for a second. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants, type ClientHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClientHome } from "../../../proxy/relay/client-home.ts";
import type { Client } from "../../../proxy/relay/client.ts";
import type { Exchange } from "../../../proxy/relay/exchange.ts";
import type { Address } from "../../../shared/config/config.ts";
import { H2Connection } from "../../../proxy/relay/h2-connection.ts";
import { StreamPlaces } from "../../../proxy/relay/stream-places.ts";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { openH2, openSession } from "./h2-session.ts";
import { FRAME, GET, RawH2 } from "./raw-h2.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

/** A host that takes every request, and says nothing by itself. */
class SilentHome implements ClientHome {
  readonly stops = false;
  readonly clients: Client[] = [];
  gone = 0;
  fed = 0;
  refusals = 0;

  refused(): void {
    this.refusals += 1;
  }

  exchange(client: Client): Exchange {
    this.clients.push(client);
    const body = { feed: (chunk: Buffer) => (this.fed += chunk.length) > 0, finish: () => undefined };
    const exchange = {
      body,
      start: () => undefined,
      clientDrained: () => undefined,
      clientGone: () => (this.gone += 1),
    };
    return exchange as unknown as Exchange;
  }

  upgrade(): void {
    throw new Error("there are none");
  }

  nextId(): string {
    return "id";
  }
}

const LENGTH = 1_000_000;
const HEAD = {
  status: 200,
  reason: "",
  lines: "",
  framing: { type: "length", bytes: LENGTH },
  toldBytes: null,
} as const;
const places = new StreamPlaces();
let address: Address;
let home: SilentHome;
let server: Server;
let connection: H2Connection;
let socket: TLSSocket;
let session: ClientHttp2Session;

beforeEach(async () => {
  home = new SilentHome();
  const files = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  server = createServer({ ...files, ALPNProtocols: ["h2"] }, (accepted) => {
    socket = accepted.on("error", () => undefined);
    const client = { address: "127.0.0.1", proto: "https", isTrusted: false } as const;
    connection = new H2Connection({ socket, client, home, places });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  address = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  session = openSession(address, authority.ca);
  await once(session, "remoteSettings");
});
afterEach(async () => {
  session.destroy();
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function pass(seconds: number): void {
  for (let second = 0; second < seconds; second++) connection.sweep();
}

/** How many seconds pass until `ended`; Infinity if it does not end. */
async function secondsUntil(ended: () => boolean, most = 200): Promise<number> {
  for (let second = 1; second <= most; second++) {
    connection.sweep();
    await new Promise((resolve) => setImmediate(resolve));
    if (ended()) return second;
  }
  return Infinity;
}

describe("a connection of HTTP/2", () => {
  it("on which nothing comes ends after a minute, in order, whatever pings come", async () => {
    let goaway: number | null = null;
    session.on("goaway", (code) => (goaway = code));
    pass(30);
    await new Promise((resolve) => session.ping(resolve));
    pass(30);
    expect(connection.isIdle).toBe(true);
    pass(1);
    expect(connection.isIdle).toBe(false);
    await until(() => goaway === constants.NGHTTP2_NO_ERROR && session.destroyed);
    await until(() => socket.destroyed);
  });

  it("with requests now and then does not end", async () => {
    for (let minute = 0; minute < 3; minute++) {
      pass(40);
      const sent = openH2(session, {}, true);
      await until(() => home.clients.length === minute + 1);
      home.clients[minute]!.answer({ ...HEAD, framing: { type: "none" } }, []);
      await sent.answer;
      await until(() => connection.isIdle);
    }
    expect(socket.destroyed).toBe(false);
  });

  it("with a request that waits for the proxy does not end", async () => {
    openH2(session, { ":method": "POST", expect: "100-continue" });
    await until(() => home.clients.length === 1);
    pass(1000);
    expect([home.gone, socket.destroyed, connection.isIdle]).toEqual([0, false, false]);
  });

  it("whose client does not close its side when it was told to leave is destroyed", async () => {
    const raw = await RawH2.open(address, authority.ca);
    raw.pause();
    connection.leave();
    expect(await secondsUntil(() => socket.destroyed)).toBeLessThan(10);
    raw.end();
  });
});

describe("a request over HTTP/2", () => {
  it("whose body does not go on gets 408 after half a minute", async () => {
    const sent = openH2(session, { ":method": "POST" });
    sent.stream.write("x".repeat(1000));
    await until(() => home.fed === 1000);
    pass(31);
    expect(home.gone).toBe(0);
    pass(1);
    expect(home.gone).toBe(1);
    expect(await sent.answer).toMatchObject({ status: 408, code: 0 });
    await until(() => connection.isIdle);
  });

  it("whose body goes on does not", async () => {
    const sent = openH2(session, { ":method": "POST" });
    for (let part = 1; part <= 4; part++) {
      sent.stream.write("x".repeat(1000));
      await until(() => home.fed === 1000 * part);
      pass(25);
    }
    expect(home.gone).toBe(0);
  });

  it("whose client does not read the answer is reset after a minute, and the connection stays", async () => {
    const { stream } = openH2(session, {}, true);
    await until(() => home.clients.length === 1);
    stream.pause();
    home.clients[0]!.begin(HEAD);
    expect(home.clients[0]!.write(Buffer.alloc(LENGTH))).toBe(false);
    await once(stream, "response");
    pass(50);
    expect(home.gone).toBe(0);
    expect(await secondsUntil(() => home.gone === 1)).toBeLessThan(100);
    await until(() => connection.isIdle);
    expect(socket.destroyed).toBe(false);
    stream.resume();
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  });

  it("whose client does not read even that the answer is reset ends with its connection", async () => {
    const raw = await RawH2.open(address, authority.ca);
    const most = Buffer.from([0x3f, 0xff, 0x00, 0x00]);
    raw.frame(FRAME.windowUpdate, 0, 0, most);
    raw.request(1, GET);
    raw.frame(FRAME.windowUpdate, 0, 1, most);
    raw.pause();
    await until(() => home.clients.length === 1);
    const [client] = home.clients;
    client!.begin({ ...HEAD, framing: { type: "chunked" } });
    // More than both kernels take.
    while (client!.write(Buffer.alloc(LENGTH))) await new Promise((resolve) => setImmediate(resolve));
    for (let more = 0; more < 30; more++) client!.write(Buffer.alloc(LENGTH));
    expect(await secondsUntil(() => socket.destroyed, 400)).toBeLessThan(400);
    expect(home.gone).toBe(1);
    raw.end();
  });

  it("finds no place where too many are under way, and may be sent again", async () => {
    let taken = 0;
    while (places.take()) taken += 1;
    const refused = await openH2(session, {}, true).answer;
    expect([refused.status, refused.code]).toEqual([0, constants.NGHTTP2_REFUSED_STREAM]);
    expect(home.clients).toHaveLength(0);
    for (; taken > 0; taken--) places.give();
    openH2(session, {}, true);
    await until(() => home.clients.length === 1);
  });
});
