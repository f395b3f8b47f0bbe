import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPlane, type Plane } from "./plane.ts";
import { sendRaw } from "./raw-client.ts";

let plane: Plane;

beforeEach(async () => {
  plane = await startPlane();
  plane.routeTo(plane.a, 1);
});
afterEach(() => plane.stop());

describe("a request", () => {
  it("that has passed this proxy before is a loop: 508", async () => {
    await sendRaw(plane.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const via = plane.a.received[0]!.headers.via!;
    expect(await sendRaw(plane.address, `GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 other, ${via}\r\n\r\n`)).toContain(
      " 508 ",
    );
    expect(plane.a.received).toHaveLength(1);
  });
});

describe("a request target", () => {
  it.each([
    ["/x?", "a"],
    ["/x??&=", "a"],
    ["//evil.example/path?a=1?b", "a"],
    ["/../../etc/passwd", "a"],
    ["/a%2f..%2fb?x=%0d%0a", "a"],
  ])("%s is passed on as it is, a path only", async (target, host) => {
    await sendRaw(plane.address, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(plane.a.received[0]).toMatchObject({ url: target, headers: { host } });
  });

  it("in absolute form wins over Host and chooses no upstream", async () => {
    await sendRaw(plane.address, "GET http://169.254.169.254/meta?x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(plane.a.received[0]).toMatchObject({ url: "/meta?x", headers: { host: "169.254.169.254" } });
  });

  it("OPTIONS * with Max-Forwards 0 is answered here, with more it is passed on, one less", async () => {
    expect(await sendRaw(plane.address, "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")).toContain(" 204 ");
    expect(plane.a.received).toHaveLength(0);
    await sendRaw(plane.address, "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n");
    expect(plane.a.received[0]).toMatchObject({ url: "*", headers: { "max-forwards": "2" } });
  });
});

describe("header fields", () => {
  const receivedWith = async (lines: string): Promise<Record<string, unknown>> => {
    await sendRaw(plane.address, `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
    return plane.a.received[0]!.headers;
  };

  it("of one hop are removed, also those that Connection names", async () => {
    const headers = await receivedWith(
      "Connection: close, X-Secret, __proto__\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nTE: deflate\r\nProxy-Authorization: x\r\nTrailer: X\r\nX-Kept: 1\r\n",
    );
    expect(headers).toMatchObject({ "x-kept": "1" });
    for (const name of ["x-secret", "keep-alive", "te", "proxy-authorization", "trailer"])
      expect(headers).not.toHaveProperty(name);
  });

  it("that others rely on cannot be removed through Connection", async () => {
    const headers = await receivedWith(
      "Connection: close, X-Forwarded-For, Authorization, Idempotency-Key, If-Match, Host, Hotspare-Epoch\r\nAuthorization: me\r\nIdempotency-Key: k\r\nIf-Match: x\r\n",
    );
    expect(headers).toMatchObject({
      authorization: "me",
      "idempotency-key": "k",
      "if-match": "x",
      host: "a",
      "x-forwarded-for": "127.0.0.1",
      "hotspare-epoch": "1",
    });
  });

  it("that a client invents for hosts are stripped, but the two that are its own", async () => {
    const headers = await receivedWith(
      "Hotspare-Epoch: 99\r\nHotspare-Request: mine\r\nHotspare-Outcome: x\r\nHotspare-Lsn: 5\r\nHotspare-Consistency: local\r\n",
    );
    expect(headers).toMatchObject({ "hotspare-epoch": "1", "hotspare-lsn": "5", "hotspare-consistency": "local" });
    expect(headers["hotspare-request"]).not.toBe("mine");
    expect(headers).not.toHaveProperty("hotspare-outcome");
  });

  it("that say where a request came from are the proxy's, not the client's", async () => {
    const headers = await receivedWith("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Evil: 1\r\nForwarded: for=1.2.3.4\r\n");
    expect(headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": "a",
      "x-forwarded-proto": "http",
      forwarded: 'for=127.0.0.1;proto=http;host="a"',
    });
    expect(headers).not.toHaveProperty("x-forwarded-evil");
  });

  it("asking for HTTP/2 in clear text are removed, and the request is answered in HTTP/1.1", async () => {
    const answer = await sendRaw(
      plane.address,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      /host-a/,
    );
    expect(answer).toContain("200 OK");
    expect(plane.a.received[0]!.headers).not.toHaveProperty("upgrade");
    expect(plane.a.received[0]!.headers).not.toHaveProperty("http2-settings");
  });

  it("of an answer: several Set-Cookie stay several, those of one hop go, Via comes", async () => {
    plane.a.script = (_, response) => {
      response.setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.setHeader("Connection", "close, X-Hop");
      response.setHeader("X-Hop", "1");
      response.end("x");
    };
    const answer = await sendRaw(plane.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(answer).toMatch(/set-cookie: a=1\r\nset-cookie: b=2/i);
    expect(answer).not.toMatch(/x-hop/i);
    expect(answer).toMatch(/via: 1\.1 hotspare-/i);
  });
});
