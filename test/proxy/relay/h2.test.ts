/** HTTP/2 towards clients: what a request and its answer are, on their way between the two versions. */
import { execFile } from "node:child_process";
import { request as httpsRequest } from "node:https";
import { readFileSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { askH2, openH2, openSession } from "./h2-session.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { sendRaw } from "./raw-client.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

let plane: Plane;
let session: ClientHttp2Session;
const start = async (...[pool, more]: Parameters<typeof startPlane>): Promise<void> => {
  plane = await startPlane(pool, { ...more, tls: { ...tls, ca: null } });
  session = openSession(plane.address, authority.ca);
  plane.routeTo(plane.a, 1);
};
afterEach(async () => {
  session.destroy();
  await plane.stop();
});

describe("a request over HTTP/2", () => {
  beforeEach(() => start());

  it("reaches a host as HTTP/1.1, with what the proxy says of it", async () => {
    const { status, body, headers } = await askH2(session, { ":path": "/x?y=1", cookie: ["a=1", "b=2"], "x-own": "1" });
    expect([status, body]).toEqual([200, "host-a"]);
    expect(headers["via"]).toMatch(/^1\.1 hotspare-/);
    const [received] = plane.a.received;
    expect(received).toMatchObject({ method: "GET", url: "/x?y=1", body: "" });
    expect(received!.headers).toMatchObject({
      host: `127.0.0.1:${plane.address.port}`,
      cookie: "a=1; b=2",
      "x-own": "1",
      "x-forwarded-proto": "https",
      "hotspare-epoch": "1",
    });
    expect(received!.headers.via).toMatch(/^2\.0 hotspare-/);
    expect(received!.headers).not.toHaveProperty("transfer-encoding");
  });

  it("has its line in the access log", async () => {
    await askH2(session, { ":method": "POST", ":path": "/x" }, "body");
    expect(plane.accesses).toMatchObject([
      { method: "POST", path: "/x", status: 200, client: "127.0.0.1", host: "host-a", epoch: 1, attempts: 1 },
    ]);
  });

  it("cannot invent what only the proxy says", async () => {
    await askH2(session, { "hotspare-epoch": "9", "x-forwarded-for": "1.2.3.4", forwarded: "for=1.2.3.4" });
    expect(plane.a.received[0]!.headers).toMatchObject({ "hotspare-epoch": "1", "x-forwarded-for": "127.0.0.1" });
  });

  it("with a small body and no length has one towards the host", async () => {
    await askH2(session, { ":method": "POST" }, "hello");
    expect(plane.a.received[0]).toMatchObject({ body: "hello", headers: { "content-length": "5" } });
  });

  it("with a body that comes in time is chunked towards the host", async () => {
    const sent = openH2(session, { ":method": "POST" });
    sent.stream.write("one ");
    await until(() => plane.a.sockets.size === 1);
    sent.stream.end("two");
    expect((await sent.answer).status).toBe(200);
    expect(plane.a.received[0]).toMatchObject({ body: "one two", headers: { "transfer-encoding": "chunked" } });
  });

  it("with a body of the length that it told keeps it", async () => {
    const sent = openH2(session, { ":method": "PUT", "content-length": "7" });
    sent.stream.write("one ");
    await until(() => plane.a.sockets.size === 1);
    sent.stream.end("two");
    expect((await sent.answer).status).toBe(200);
    expect(plane.a.received[0]).toMatchObject({ body: "one two", headers: { "content-length": "7" } });
  });

  it("waits for 100 Continue where it asks for it, and gets it when there is a host", async () => {
    plane.plane.setRoute(MAIN, null);
    const sent = openH2(session, { ":method": "POST", expect: "100-continue" });
    let continued = false;
    sent.stream.on("continue", () => (continued = true));
    await until(() => plane.plane.parked(MAIN).requests === 1);
    expect(continued).toBe(false);
    plane.routeTo(plane.a, 2);
    await until(() => continued);
    sent.stream.end("now");
    expect((await sent.answer).status).toBe(200);
    expect(plane.a.received[0]!.body).toBe("now");
    expect(plane.a.received[0]!.headers).not.toHaveProperty("expect");
  });

  it("gives its trailers to the host, but none that say how it is framed or trusted", async () => {
    let trailers: unknown;
    plane.a.server.prependListener("request", (request) => request.on("end", () => (trailers = request.trailers)));
    const stream = session.request({ ":path": "/", ":method": "POST" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "5", "hotspare-epoch": "9", authorization: "me" }));
    stream.resume().end("hello");
    await until(() => trailers !== undefined);
    expect(trailers).toEqual({ "x-sum": "5" });
  });

  it("ends in a loop, with 508, if it has passed this proxy before", async () => {
    await askH2(session);
    const { via = "" } = plane.a.received[0]!.headers;
    expect((await askH2(session, { via: [`2.0 other, ${via}`] })).status).toBe(508);
    expect(plane.a.received).toHaveLength(1);
  });
});

describe("an answer over HTTP/2", () => {
  beforeEach(() => start());

  it("has its fields, those that repeat too, and none of the host's connection", async () => {
    plane.a.script = (_, response) => {
      response.writeHead(201, [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["X-Text", Buffer.from("à", "utf8").toString("latin1")],
        ["Keep-Alive", "timeout=5"],
        ["Connection", "keep-alive, X-Hop"],
        ["X-Hop", "1"],
        ["Proxy-Connection", "x"],
        ["Hotspare-Lsn", "7"],
      ] as never);
      response.end("made");
    };
    const { status, headers, body } = await askH2(session);
    expect([status, body]).toEqual([201, "made"]);
    expect(headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "content-length": "4", "hotspare-lsn": "7" });
    expect(Buffer.from(String(headers["x-text"]), "latin1").toString("utf8")).toBe("à");
    for (const name of ["keep-alive", "connection", "x-hop", "proxy-connection", "transfer-encoding"])
      expect(headers).not.toHaveProperty(name);
  });

  it.each([
    ["HEAD", "HEAD", 200, { "Content-Length": "1000" }, "1000"],
    ["204", "DELETE", 204, {}, undefined],
    ["304", "GET", 304, { ETag: '"1"' }, undefined],
    ["205", "POST", 205, { "Content-Length": "0" }, "0"],
  ])("to %s has no body and ends", async (_, method, status, fields, length) => {
    plane.a.script = (__, response) => response.writeHead(status, fields).end();
    const answer = await askH2(session, { ":method": method });
    expect([answer.status, answer.body, answer.code, answer.headers["content-length"]]).toEqual([
      status,
      "",
      0,
      length,
    ]);
  });

  it("comes with what the host said before it: 103 with its links", async () => {
    plane.a.script = (_, response) => {
      response.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.js>; rel=preload"] });
      response.end("page");
    };
    const { interim, body } = await askH2(session);
    expect(body).toBe("page");
    expect(interim).toMatchObject([{ ":status": 103, link: "</a.css>; rel=preload, </b.js>; rel=preload" }]);
  });

  it("streams, and has trailers for a client that takes them", async () => {
    plane.a.script = (_, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write(Buffer.alloc(100_000, "x"));
      response.addTrailers({ "X-Sum": "7", "Set-Cookie": "no" });
      response.end();
    };
    const takes = await askH2(session, { te: "trailers" });
    expect([takes.body.length, takes.code, takes.trailers["x-sum"]]).toEqual([100_000, 0, "7"]);
    expect(takes.trailers).not.toHaveProperty("set-cookie");
    const takesNone = await askH2(session);
    expect([takesNone.body.length, takesNone.code, takesNone.trailers]).toEqual([100_000, 0, {}]);
  });

  it("that the client asks trailers for, and that has none, ends all the same", async () => {
    plane.a.script = (_, response) => void response.write(Buffer.alloc(100_000), () => response.end());
    const { body, code } = await askH2(session, { te: "trailers" });
    expect([body.length, code]).toEqual([100_000, 0]);
  });

  it("that ends where the host's connection does is whole", async () => {
    plane.a.script = (_, __, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    expect(await askH2(session)).toMatchObject({ status: 200, body: "until the end", code: 0 });
  });

  it("with a head of 60 KiB passes", async () => {
    const fields = Array.from({ length: 60 }, (_, index) => [`X-Large-${index}`, "x".repeat(1000)]);
    plane.a.script = (_, response) => response.writeHead(200, Object.fromEntries(fields)).end("ok");
    const { status, headers } = await askH2(session);
    expect([status, headers["x-large-59"]?.length]).toEqual([200, 1000]);
  });

  it("with a status that Node.js does not send over HTTP/2 is seen to fail, and the proxy lives", async () => {
    plane.a.script = ({ url }, _, socket) =>
      url === "/odd"
        ? socket.write("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")
        : socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const odd = await askH2(session, { ":path": "/odd" });
    expect([odd.status, odd.code]).toEqual([0, 2]);
    expect((await askH2(session)).status).toBe(200);
    await until(() => plane.plane.active(MAIN) === 0);
  });

  it("before all of the body has come takes the rest of it from nobody", async () => {
    plane.a.server.prependListener("request", (request, response) => {
      request.pause();
      response.writeHead(413).end("too large");
    });
    const sent = openH2(session, { ":method": "POST" });
    sent.stream.write(Buffer.alloc(1_000_000));
    expect(await sent.answer).toMatchObject({ status: 413, body: "too large", code: 0 });
    await until(() => plane.a.sockets.size === 0);
  });
});

describe("a request that the proxy answers itself", () => {
  it("of nobody: 404 with its code, and of HEAD without a body", async () => {
    await start({ routes: [{ host: null, path: "/mine" }] });
    const { status, headers, body } = await askH2(session, { ":path": "/other" });
    expect([status, headers["content-type"]]).toEqual([404, "application/problem+json"]);
    expect(JSON.parse(body)).toMatchObject({ code: "HS_NO_ROUTE" });
    expect(await askH2(session, { ":path": "/other", ":method": "HEAD" })).toMatchObject({
      status: 404,
      body: "",
      code: 0,
    });
  });

  it("OPTIONS * with Max-Forwards 0: 204", async () => {
    await start();
    const head = { ":method": "OPTIONS", ":path": "*", "max-forwards": "0" };
    expect(await askH2(session, head)).toMatchObject({ status: 204, body: "", code: 0 });
    expect(await askH2(session, { ...head, "max-forwards": "3" })).toMatchObject({ status: 200 });
    expect(plane.a.received[0]).toMatchObject({ url: "*", headers: { "max-forwards": "2" } });
  });

  it("TRACE: 405", async () => {
    await start();
    expect((await askH2(session, { ":method": "TRACE" })).status).toBe(405);
    expect(plane.a.received).toEqual([]);
  });

  it("CONNECT: 405, and no tunnel", async () => {
    await start();
    const stream = session.request({ ":method": "CONNECT", ":authority": "example.com:443" });
    const status = await new Promise((resolve) => stream.on("response", (fields) => resolve(fields[":status"])));
    expect(status).toBe(405);
    stream.close();
  });
});

describe("a listener that asks for certificates", () => {
  it("tells a client of HTTP/2 without one in HTTP/2 that it is refused, and passes nothing on", async () => {
    plane = await startPlane({}, { tls });
    plane.routeTo(plane.a, 1);
    session = openSession(plane.address, authority.ca);
    const { status, body, code } = await askH2(session, { ":method": "POST" }, "x");
    expect([status, code, body]).toEqual([403, 0, expect.stringContaining("HS_TLS_REFUSED")]);
    expect(plane.a.received).toEqual([]);
  });
});

describe("the same listener", () => {
  beforeEach(() => start());

  it("speaks HTTP/1.1 with clients that do not agree on HTTP/2", async () => {
    const ca = readFileSync(authority.ca);
    for (const ALPNProtocols of [["http/1.1"], undefined]) {
      const status = await new Promise((resolve, reject) => {
        const { host, port } = plane.address;
        const sent = httpsRequest(
          { host, port, ca, agent: false, ...(ALPNProtocols && { ALPNProtocols }) },
          (answer) => {
            answer.resume().on("end", () => resolve([answer.statusCode, answer.httpVersion]));
          },
        );
        sent.on("error", reject).end();
      });
      expect(status).toEqual([200, "1.1"]);
    }
    expect(plane.a.received.map(({ headers }) => headers.via?.slice(0, 3))).toEqual(["1.1", "1.1"]);
  });

  it("without TLS speaks no HTTP/2: its first words get 505", async () => {
    const plain = await startPlane();
    expect(await sendRaw(plain.address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toMatch(/^HTTP\/1\.1 505 /);
    await plain.stop();
  });

  it("is understood by curl", async ({ skip }) => {
    const curl = promisify(execFile);
    const { stdout: features } = await curl("curl", ["--version"]).catch(() => ({ stdout: "" }));
    if (!/\bHTTP2\b/.test(features)) skip("no curl with HTTP/2 here");
    const { host, port } = plane.address;
    const url = `https://${host}:${port}`;
    const options = ["--silent", "--http2", "--cacert", authority.ca, "--write-out", " %{http_version} %{http_code}"];
    const { stdout } = await curl("curl", [...options, "--data-binary", "@package.json", `${url}/upload`]);
    expect(stdout).toBe("host-a 2 200");
    expect(plane.a.received[0]!.body).toBe(readFileSync("package.json", "utf8"));
  });
});
