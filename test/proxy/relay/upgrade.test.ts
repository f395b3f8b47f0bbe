import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "node:net";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { sendRaw } from "./raw-client.ts";

let plane: Plane;
const ASK =
  "GET /socket?x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nHotspare-Epoch: 9\r\n\r\n";

const echo = (request: IncomingMessage, socket: Duplex): void => {
  socket.on("error", () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nHotspare-Owner: x\r\nX-Epoch: ${String(request.headers["hotspare-epoch"])}\r\n\r\n`,
  );
  socket.pipe(socket);
};

describe("an upgrade", () => {
  beforeEach(async () => {
    plane = await startPlane();
    plane.a.server.on("upgrade", echo);
  });
  afterEach(() => plane.stop());

  it("joins the two connections, with the fields of a request and an answer", async () => {
    plane.routeTo(plane.a, 4);
    const seen = await sendRaw(plane.address, `${ASK}ping`, /ping/);
    expect(seen).toMatch(/^HTTP\/1\.1 101 /);
    expect(seen).toMatch(/x-epoch: 4/i);
    expect(seen).not.toMatch(/hotspare-owner/i);
  });

  it("waits for a primary like any request", async () => {
    const seen = sendRaw(plane.address, `${ASK}ping`, /ping/);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.a, 1);
    expect(await seen).toMatch(/^HTTP\/1\.1 101 /);
  });

  it("that waited says how long, and leaves a line in the access log when it ends", async () => {
    const seen = sendRaw(plane.address, `${ASK}ping`, /ping/);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.a, 3);
    expect(await seen).toMatch(/server-timing: park;dur=\d/i);
    await until(() => plane.accesses.length === 1);
    expect(plane.accesses[0]).toMatchObject({ path: "/socket?x", pool: "main", epoch: 3, host: "host-a", status: 101 });
  });

  it.each([
    ["reset", (client: ReturnType<typeof connect>) => void client.resetAndDestroy()],
    ["closed", (client: ReturnType<typeof connect>) => void client.end()],
  ])("whose client %s it while it waited frees its place", async (_, leave) => {
    const client = connect(plane.address.port, "127.0.0.1", () => client.write(ASK));
    client.on("error", () => undefined);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    leave(client);
    await until(() => plane.plane.parked(MAIN).requests === 0 && plane.plane.active(MAIN) === 0);
  });

  it("whose client sends ahead while it waits loses nothing", async () => {
    let seen = "";
    const client = connect(plane.address.port, "127.0.0.1", () => client.write(`${ASK}one `));
    client.on("data", (chunk) => (seen += chunk.toString()));
    await until(() => plane.plane.parked(MAIN).requests === 1);
    client.write("two ");
    await new Promise((resolve) => setTimeout(resolve, 20));
    plane.routeTo(plane.a, 1);
    await until(() => seen.includes("101"));
    client.write("three");
    await until(() => seen.endsWith("one two three"));
    client.destroy();
  });

  it("ends when its host is replaced, so that the client comes to the new primary", async () => {
    plane.routeTo(plane.a, 1);
    let seen = "";
    const client = connect(plane.address.port, "127.0.0.1", () => client.write(ASK));
    client.on("data", (chunk) => (seen += chunk.toString()));
    client.on("error", () => undefined);
    await until(() => seen.includes("101"));
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    await until(() => client.closed);
    await until(() => plane.a.sockets.size === 0);
  });

  /** A WebSocket whose server sends `frames`; what its client saw at the end. */
  const joined = async (frames: Buffer, end: (server: Duplex) => void): Promise<Buffer> => {
    let server: Duplex | null = null;
    plane.a.server.removeAllListeners("upgrade");
    plane.a.server.on("upgrade", (_, socket: Duplex) => {
      server = socket.on("error", () => undefined);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.write(frames);
    });
    plane.routeTo(plane.a, 1);
    const seen: Buffer[] = [];
    const client = connect(plane.address.port, "127.0.0.1", () => client.write(ASK));
    client.on("data", (chunk: Buffer) => seen.push(chunk));
    client.on("error", () => undefined);
    await until(() => server !== null && Buffer.concat(seen).includes(frames));
    end(server!);
    await until(() => client.closed);
    const all = Buffer.concat(seen);
    return all.subarray(all.indexOf("\r\n\r\n") + 4);
  };
  const abandon = (): void => {
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
  };
  const HELLO = Buffer.from([0x81, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f]);
  const RESTART = Buffer.from([0x88, 2, 0x03, 0xf4]);

  it("that ends with its host's replacement tells its client so: close frame 1012", async () => {
    expect(await joined(HELLO, abandon)).toEqual(Buffer.concat([HELLO, RESTART]));
  });

  it("whose host dies tells its client so: close frame 1012", async () => {
    expect(await joined(HELLO, () => plane.a.kill())).toEqual(Buffer.concat([HELLO, RESTART]));
  });

  it("that ends because the proxy stops tells its client so: close frame 1012", async () => {
    expect(await joined(HELLO, () => void plane.plane.stop(5000))).toEqual(Buffer.concat([HELLO, RESTART]));
  });

  it("that ends within a frame has nothing put into that", async () => {
    expect(await joined(HELLO.subarray(0, 4), abandon)).toEqual(HELLO.subarray(0, 4));
  });

  it("that the host has closed itself is closed once", async () => {
    const frames = Buffer.concat([HELLO, Buffer.from([0x88, 2, 0x03, 0xe8])]);
    expect(await joined(frames, (server) => server.end())).toEqual(frames);
  });

  it("to a host that is gone is refused with 503, and asks about the host", async () => {
    plane.routeTo(plane.a, 1);
    plane.a.kill();
    expect(await sendRaw(plane.address, ASK)).toMatch(/^HTTP\/1\.1 503 [^]*retry-after/i);
    expect(plane.troubles).toContain(plane.a.id);
  });

  it("that the host answers with a plain response passes it on", async () => {
    plane.b.script = (_, response) => response.writeHead(403).end("no");
    plane.routeTo(plane.b, 1);
    expect(await sendRaw(plane.address, ASK, /no/)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("that the host answers with not-primary is refused with 503", async () => {
    plane.b.script = (_, response) =>
      response.writeHead(503, { "Hotspare-Outcome": "not-primary", "Hotspare-Owner": "x" }).end("{}");
    plane.routeTo(plane.b, 1);
    const seen = await sendRaw(plane.address, ASK, /never/);
    expect(seen).toMatch(/^HTTP\/1\.1 503 /);
    expect(seen).not.toMatch(/hotspare-owner/i);
  });

  it.each([
    ["reset by the client", (client: ReturnType<typeof connect>) => void client.resetAndDestroy()],
    ["closed by the client", (client: ReturnType<typeof connect>) => void client.end()],
  ])("%s leaves no connection to the host open, twenty times", async (_, leave) => {
    plane.routeTo(plane.a, 1);
    const clients = Array.from({ length: 20 }, () => connect(plane.address.port, "127.0.0.1"));
    let joined = 0;
    for (const client of clients) {
      client.on("error", () => undefined);
      client.once("data", () => (joined += 1));
      client.write(ASK);
    }
    await until(() => joined === 20);
    for (const client of clients) leave(client);
    await until(() => plane.a.sockets.size === 0 && plane.plane.active(MAIN) === 0);
  });
});
