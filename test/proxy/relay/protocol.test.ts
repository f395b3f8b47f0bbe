/** HTTP/1 as clients and hosts really speak it: what comes through, and how it ends. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SMUGGLERS } from "../http1/smuggling-corpus.ts";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { open, send, sendRaw } from "./raw-client.ts";

let plane: Plane;
beforeEach(async () => {
  plane = await startPlane();
  plane.routeTo(plane.a, 1);
});
afterEach(() => plane.stop());

const GET = "GET / HTTP/1.1\r\nHost: a\r\n";
const CLOSING = `${GET}Connection: close\r\n\r\n`;
const NEVER = /(?!)/;

describe("a connection", () => {
  it.each(SMUGGLERS)("with $name: $status, closed, and nothing behind it reaches a host", async ({ text, status }) => {
    const seen = await sendRaw(plane.address, `${text}${CLOSING}`, NEVER);
    expect(seen).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*connection: close`));
    expect(seen.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    // What was sound up to its body may have begun, and was broken off.
    expect(plane.a.received).toHaveLength(0);
  });

  it("on which requests were sent ahead gets their answers in order", async () => {
    plane.a.script = ({ url }, response) => void setTimeout(() => response.end(url), url === "/0" ? 30 : 0);
    const ahead = Array.from({ length: 50 }, (_, index) => `GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
    const seen = await sendRaw(plane.address, `${ahead}${CLOSING}`, NEVER);
    expect(seen.match(/\r\n\r\n\/\d*/g)?.map((body) => body.trim())).toEqual([
      ...Array.from({ length: 50 }, (_, index) => `/${index}`),
      "/",
    ]);
  });

  it("that its client half-closed behind its requests gets all answers", async () => {
    let answer: (() => void) | null = null;
    plane.a.script = ({ url }, response) => (url === "/1" ? (answer = () => response.end("one")) : response.end("two"));
    const socket = connect(plane.address.port, "127.0.0.1");
    let seen = "";
    socket.on("data", (chunk) => (seen += chunk.toString()));
    socket.end("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => answer !== null);
    await until(() => seen.includes("HTTP/1.1 102 "));
    answer!();
    await until(() => socket.closed);
    expect(seen).toMatch(/one[^]*two/);
  });

  it("that its client half-closed while parked is answered when there is a primary", async () => {
    plane.plane.setRoute(MAIN, null);
    const socket = connect(plane.address.port, "127.0.0.1");
    let seen = "";
    socket.on("data", (chunk) => (seen += chunk.toString()));
    socket.end(`${GET}\r\n`);
    await until(() => seen.includes("HTTP/1.1 102 "));
    expect(plane.plane.parked(MAIN).requests).toBe(1);
    plane.routeTo(plane.a, 2);
    await until(() => socket.closed);
    expect(seen).toMatch(/HTTP\/1\.1 200 OK[^]*host-a/);
  });

  it("that ends within a head, or within a body, reaches no host whole", async () => {
    for (const text of ["GET / HT", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf`]) {
      const socket = connect(plane.address.port, "127.0.0.1", () => socket.end(text));
      socket.on("error", () => undefined);
      socket.resume();
      await until(() => socket.closed);
    }
    await until(() => plane.plane.active(MAIN) === 0 && plane.a.sockets.size === 0);
    expect(plane.a.received).toHaveLength(0);
  });

  it("of HTTP/1.0 that its client half-closed gets its answer, too", async () => {
    let answer: (() => void) | null = null;
    plane.a.script = (_, response) => void (answer = () => response.end("done"));
    const socket = connect(plane.address.port, "127.0.0.1");
    let seen = "";
    socket.on("data", (chunk) => (seen += chunk.toString()));
    socket.end("GET / HTTP/1.0\r\n\r\n");
    await until(() => answer !== null);
    // Long enough for a look at it.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    answer!();
    await until(() => socket.closed);
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK[^]*done$/);
  });

  it("that its client half-closes while its answer comes ends with that", async () => {
    plane.a.script = (_, response) => {
      response.writeHead(200, { "Content-Length": 100_000 }).write(Buffer.alloc(50_000));
      plane.a.server.once("half", () => response.end(Buffer.alloc(50_000)));
    };
    let bytes = 0;
    const socket = connect({ port: plane.address.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    socket.write(`${GET}\r\n`);
    await until(() => bytes > 50_000);
    socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    plane.a.server.emit("half");
    await until(() => socket.readableEnded);
    expect(bytes).toBeGreaterThan(100_000);
  });

  it("of HTTP/1.0 is answered without chunks, and closed behind the answer", async () => {
    plane.a.script = (_, response) => {
      response.write("in ");
      setTimeout(() => response.end("pieces"), 100);
    };
    const seen = await sendRaw(plane.address, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", NEVER);
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n\r\nin pieces$/);
    expect(seen).not.toMatch(/transfer-encoding/i);
    expect(plane.a.received[0]!.headers.via).toMatch(/^1\.0 hotspare-/);
  });

  it("of HTTP/1.0 whose host dies in the middle of a long answer is broken, not closed in order", async () => {
    plane.a.script = (_, response, socket) => {
      response.write("half");
      setTimeout(() => socket.resetAndDestroy(), 100);
    };
    let failure: string | undefined;
    const socket = connect(plane.address.port, "127.0.0.1", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    socket.on("error", (error: NodeJS.ErrnoException) => (failure = error.code));
    socket.resume();
    await until(() => socket.closed);
    expect(failure).toBe("ECONNRESET");
  });
});

describe("an answer", () => {
  it.each([
    ["to HEAD keeps the length of what it does not have", "HEAD", 200, { "Content-Length": "5" }, "content-length: 5"],
    ["304 keeps the length of what it does not have", "GET", 304, { "Content-Length": "5" }, "content-length: 5"],
  ])("%s", async (_, method, status, fields, line) => {
    plane.a.script = (__, response) => response.writeHead(status, fields).end();
    const text = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    const seen = await sendRaw(plane.address, `${text}${text}${CLOSING.replace("GET", method)}`, NEVER);
    expect(seen.match(new RegExp(line, "g"))).toHaveLength(3);
    expect(seen.match(/HTTP\/1\.1 \d+ /g)).toHaveLength(3);
  });

  it("204 has no length, and the next request follows", async () => {
    plane.a.script = (_, response) => response.writeHead(204).end();
    const seen = await sendRaw(plane.address, `${GET}\r\n${CLOSING}`, NEVER);
    expect(seen.match(/HTTP\/1\.1 204 /g)).toHaveLength(2);
    expect(seen).not.toMatch(/content-length|transfer-encoding/i);
  });

  it("that comes early hints first passes them on", async () => {
    plane.a.script = (_, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.end("done");
    };
    const seen = await sendRaw(plane.address, CLOSING, NEVER);
    expect(seen).toMatch(/^HTTP\/1\.1 103 [^]*link: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK[^]*done$/i);
  });

  it("with trailers gives them to a client that takes them, without those that could deceive", async () => {
    plane.a.script = (_, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.addTrailers({ "X-Sum": "7", "Set-Cookie": "evil=1" });
      response.end("body");
    };
    const seen = await sendRaw(plane.address, `${GET}TE: trailers\r\nConnection: TE, close\r\n\r\n`, NEVER);
    expect(seen).toMatch(/transfer-encoding: chunked[^]*\r\n0\r\nX-Sum: 7\r\n\r\n$/i);
    expect(seen).not.toMatch(/evil/);
    const without = await sendRaw(plane.address, CLOSING, NEVER);
    expect(without).toMatch(/content-length: 4[^]*\r\n\r\nbody$/i);
  });

  it("that the host ends by closing has an end for the client, too", async () => {
    plane.a.script = (_, __, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    const answer = await send(plane.address);
    expect(answer).toMatchObject({ status: 200, broken: false, body: "until the end" });
    expect(answer.headers.date).toBeDefined();
  });

  it("that comes before the whole request reaches the client, and the connection ends", async () => {
    plane.a.server.removeAllListeners("request");
    plane.a.server.on("request", (_, response) => response.writeHead(413).end("too large"));
    const sent = open(plane.address, { method: "POST", headers: { "Content-Length": "10000000" } });
    sent.write(Buffer.alloc(100_000));
    const answer = await sent.answer;
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([413, "too large", "close"]);
    sent.leave();
    await until(() => plane.a.sockets.size === 0);
  });

  it("of many megabytes waits with its host while its client does not read, and then arrives whole", async () => {
    const size = 60_000_000;
    let host: Socket | null = null;
    plane.a.script = (_, response, socket) => {
      host = socket;
      response.end(Buffer.alloc(size, "x"));
    };
    let bytes = 0;
    const client = connect(plane.address.port, "127.0.0.1", () => client.write(CLOSING));
    client.pause().on("data", (chunk: Buffer) => (bytes += chunk.length));
    // What kernels and one buffer each take is taken when nothing moves any more.
    const left = (): number => host?.writableLength ?? -1;
    for (let seen = -1, same = 0; same < 5; same = left() === seen && seen >= 0 ? same + 1 : 0) {
      seen = left();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(left()).toBeGreaterThan(size / 3);
    client.resume();
    await until(() => client.closed);
    expect(bytes).toBeGreaterThan(size);
  });
});

describe("behind back-pressure", () => {
  it("of a body that came whole, the next request of the same client is read", async () => {
    await plane.stop();
    plane = await startPlane({ replay: { attempts: 2, bodyBytes: 1000, answerBytes: 1000, policy: "keyed" } });
    const body = "x".repeat(5000);
    const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const seen = sendRaw(plane.address, post, /(?!)/);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.a, 1);
    await until(() => plane.a.received.length === 1);
    const socket = connect(plane.address.port, "127.0.0.1", () => socket.write(post));
    let answers = "";
    socket.on("data", (chunk) => (answers += chunk.toString()));
    await until(() => answers.endsWith("host-a"));
    socket.write(CLOSING);
    await until(() => socket.closed);
    expect(answers.match(/200 OK/g)).toHaveLength(2);
    plane.plane.setRoute(MAIN, null);
    await plane.plane.stop(0);
    expect(await seen).toContain("200 OK");
  });

  it("of an answer of any size, its host's connection serves the next request", async () => {
    plane.a.script = ({ url }, response) => {
      response.socket?.setNoDelay(true);
      response.writeHead(200, { "Content-Length": url.slice(1) }).flushHeaders();
      // The last bytes come in one piece, as large as one read of the kernel.
      setTimeout(() => response.end(Buffer.alloc(Number(url.slice(1)), "x")), 2);
    };
    for (const size of [65_536, 131_072, 65_535, 196_608, 100_000, 65_536]) {
      expect((await send(plane.address, { path: `/${size}` })).body).toHaveLength(size);
    }
    expect(plane.a.sockets.size).toBe(1);
  });
});

describe("a request", () => {
  it("with a body in chunks arrives with its content, its trailers, and none that could deceive", async () => {
    const trailers: unknown[] = [];
    plane.a.server.prependListener("request", (request) => request.on("end", () => trailers.push(request.trailers)));
    const body = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\nCookie: evil\r\n\r\n";
    await sendRaw(plane.address, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect([plane.a.received[0]!.body, trailers]).toEqual(["abcde", [{ "x-sum": "5" }]]);
  });

  it("passes on what names its trace", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await send(plane.address, { headers: { traceparent, tracestate: "a=b", Connection: "close, traceparent" } });
    expect(plane.a.received[0]!.headers).toMatchObject({ traceparent, tracestate: "a=b" });
  });

  it("leaves a line in the access log: pool, epoch, host, wait, attempts, status", async () => {
    plane.a.script = () => {
      plane.plane.setRoute(MAIN, null);
      plane.a.kill();
    };
    const sent = send(plane.address, { method: "PUT", path: "/x?y" }, "body");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    await sent;
    await until(() => plane.accesses.length === 1);
    expect(plane.accesses[0]).toMatchObject({
      client: "127.0.0.1",
      method: "PUT",
      path: "/x?y",
      pool: "main",
      epoch: 2,
      host: "host-b",
      attempts: 2,
      status: 200,
    });
    expect(plane.accesses[0]!.parkedMs).toBeGreaterThanOrEqual(0);
  });
});

describe("a request that reaches no pool", () => {
  it("leaves a line in the access log, too, with what could be read of it", async () => {
    await plane.stop();
    plane = await startPlane({ routes: [{ host: "b", path: "/" }] });
    await sendRaw(plane.address, CLOSING, NEVER);
    await sendRaw(plane.address, "nonsense\r\n\r\n", NEVER);
    expect(plane.accesses).toMatchObject([
      { client: "127.0.0.1", method: "GET", path: "/", pool: null, status: 404, attempts: 0 },
      { client: "127.0.0.1", method: null, path: null, pool: null, status: 400, attempts: 0 },
    ]);
  });

  it("and was refused within its body leaves one line, with its status", async () => {
    const text = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n";
    await sendRaw(plane.address, text, NEVER);
    expect(plane.accesses).toMatchObject([{ path: "/x", pool: "main", status: 400 }]);
    expect(plane.accesses).toHaveLength(1);
  });
});

describe("what another proxy says of the client", () => {
  const SAID =
    "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=1.2.3.4\r\n";

  it("passes on, with this hop behind it, if it is trusted", async () => {
    await plane.stop();
    plane = await startPlane({}, { trust: ["127.0.0.0/8"] });
    plane.routeTo(plane.a, 1);
    await sendRaw(plane.address, `${GET}${SAID}\r\n`);
    expect(plane.a.received[0]!.headers).toMatchObject({
      "x-forwarded-for": "1.2.3.4, 127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "b",
      forwarded: 'for=1.2.3.4, for=127.0.0.1;proto=http;host="a"',
    });
  });

  it("does not from an address that is not among those", async () => {
    await plane.stop();
    plane = await startPlane({}, { trust: ["10.0.0.0/8", "127.0.0.2", "::1"] });
    plane.routeTo(plane.a, 1);
    await sendRaw(plane.address, `${GET}${SAID}\r\n`);
    expect(plane.a.received[0]!.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "a" });
  });
});
