/** A failover under clients that speak HTTP/2: parked, sent again, held back, as with HTTP/1.1, many at once on a connection. */
import { constants, type ClientHttp2Session } from "node:http2";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { askH2, openH2, openSession } from "./h2-session.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;
let plane: Plane;
let session: ClientHttp2Session;
const start = async (...[pool]: Parameters<typeof startPlane>): Promise<void> => {
  plane = await startPlane(pool, { tls: { ...tls, ca: null } });
  session = openSession(plane.address, authority.ca);
};
afterEach(async () => {
  session.destroy();
  await plane.stop();
});

const ten = Array.from({ length: 10 }, (_, index) => index);

describe("a request over HTTP/2 without a primary", () => {
  it("waits, ten of them on one connection, and those that wait go in the order in which they came", async () => {
    await start();
    const order: string[] = [];
    plane.a.script = ({ url, body }, response) => {
      order.push(url);
      response.end(body);
    };
    const answers = ten.map((index) => askH2(session, { ":path": `/${index}`, ":method": "POST" }, `body ${index}`));
    await until(() => plane.plane.parked(MAIN).requests === 10);
    plane.routeTo(plane.a, 1);
    const got = await Promise.all(answers);
    expect(got.map(({ status, body }) => [status, body])).toEqual(ten.map((index) => [200, `body ${index}`]));
    expect(got.every(({ headers }) => String(headers["server-timing"]).startsWith("park;dur="))).toBe(true);
    expect(order).toHaveLength(10);
    expect(plane.plane.parked(MAIN)).toEqual({ requests: 0, bytes: 0 });
  });

  it("is turned away over the bound, with 503 and Retry-After", async () => {
    await start({ park: { requests: 1, bytes: 1 << 20, waitMs: 5000 } });
    const parked = askH2(session);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    const refused = await askH2(session, { ":method": "POST" }, "x");
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "HS_PARK_FULL" });
    plane.routeTo(plane.a, 1);
    expect((await parked).status).toBe(200);
  });

  it.each([
    ["CANCEL", NGHTTP2_CANCEL],
    ["NO_ERROR", NGHTTP2_NO_ERROR],
  ])(
    "whose client resets its stream (%s) frees its place, and the others of the connection keep theirs",
    async (_, code) => {
      await start();
      const leaving = [
        openH2(session, {}, true),
        openH2(session, { ":method": "POST" }),
        openH2(session, { ":method": "HEAD" }, true),
      ];
      const staying = askH2(session);
      await until(() => plane.plane.parked(MAIN).requests === 4);
      for (const { stream } of leaving) stream.close(code);
      await until(() => plane.plane.parked(MAIN).requests === 1);
      plane.routeTo(plane.a, 1);
      expect((await staying).status).toBe(200);
      expect(plane.a.received).toHaveLength(1);
      expect(plane.accesses.map(({ status }) => status)).toEqual([null, null, null, 200]);
    },
  );

  it("whose client's connection is gone frees its place", async () => {
    await start();
    ten.forEach(() => void askH2(session, { ":method": "POST" }, "x"));
    await until(() => plane.plane.parked(MAIN).requests === 10);
    session.destroy();
    await until(() => plane.plane.parked(MAIN).requests === 0 && plane.plane.active(MAIN) === 0);
  });

  it("has no more of its body read than is kept and the protocol's window allows", async () => {
    await start({ replay: { attempts: 2, bodyBytes: 10_000, answerBytes: 32_768, policy: "keyed" } });
    const answer = askH2(session, { ":method": "POST" }, Buffer.alloc(5_000_000, "x"));
    await until(() => plane.plane.parked(MAIN).requests === 1);
    expect(plane.plane.parked(MAIN).bytes).toBeLessThan(2 * 65_536 + 10_000);
    // A paused body holds up nothing else on the connection.
    const other = askH2(session, { ":method": "POST" }, "small");
    await until(() => plane.plane.parked(MAIN).requests === 2);
    plane.a.script = ({ body }, response) => response.end(String(body.length));
    plane.routeTo(plane.a, 1);
    expect([(await answer).body, (await other).body]).toEqual(["5000000", "5"]);
  });
});

describe("a host that fails under HTTP/2", () => {
  it("killed under ten requests: each is sent again with its body, and no client sees it", async () => {
    await start();
    plane.a.script = () => {
      if (plane.a.received.length < 10) return;
      plane.plane.setRoute(MAIN, null);
      plane.a.kill();
    };
    plane.b.script = ({ body, headers }, response) => response.end(`${String(headers["hotspare-attempt"])} ${body}`);
    plane.routeTo(plane.a, 1);
    const answers = ten.map((index) => askH2(session, { ":method": "POST", ":path": `/${index}` }, `body ${index}`));
    await until(() => plane.plane.parked(MAIN).requests === 10);
    plane.routeTo(plane.b, 2);
    const got = await Promise.all(answers);
    expect(got.map(({ status, body, code }) => [status, body, code])).toEqual(
      ten.map((index) => [200, `2 body ${index}`, 0]),
    );
    const idsOf = ({ received }: typeof plane.a): unknown[] =>
      received.map(({ url, headers }) => `${url} ${String(headers["hotspare-request"])}`).toSorted();
    expect(idsOf(plane.b)).toEqual(idsOf(plane.a));
  });

  it("in the middle of a small answer: its client sees one whole answer of the next host", async () => {
    await start();
    plane.a.script = (_, response, socket) => {
      plane.plane.setRoute(MAIN, null);
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half", () => socket.resetAndDestroy());
    };
    plane.routeTo(plane.a, 1);
    const answer = askH2(session, { ":method": "POST" }, "x");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    expect(await answer).toMatchObject({ status: 200, body: "host-b", code: 0 });
  });

  it.each([
    ["with a length", { "Content-Length": "1000000" }],
    ["without one", {}],
  ])(
    "in the middle of a long answer %s: its client sees that the end is missing, and only that stream ends",
    async (_, fields) => {
      await start();
      plane.a.script = ({ url }, response, socket) => {
        if (url === "/short") return void response.end("short");
        response.writeHead(200, fields);
        response.write(Buffer.alloc(200_000), () => socket.destroy());
      };
      plane.routeTo(plane.a, 1);
      const long = await askH2(session, { ":path": "/long" });
      expect([long.status, long.code]).toEqual([200, NGHTTP2_INTERNAL_ERROR]);
      expect(await askH2(session, { ":path": "/short" })).toMatchObject({ body: "short", code: 0 });
    },
  );

  it("replaced under a stream of events: the stream ends in order, so that its client begins anew", async () => {
    await start();
    plane.a.script = (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: 1\n\n");
    };
    plane.routeTo(plane.a, 1);
    const events = openH2(session, {}, true);
    await until(events.began);
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    expect(await events.answer).toMatchObject({ status: 200, body: "data: 1\n\n", code: 0 });
  });
});

describe("a client of HTTP/2 that leaves", () => {
  it("twenty streams of it while the host is silent leave no connection to it open", async () => {
    await start();
    plane.a.script = () => undefined;
    plane.routeTo(plane.a, 1);
    const sent = Array.from({ length: 20 }, () => openH2(session, { ":method": "POST" }, true));
    await until(() => plane.a.received.length === 20);
    for (const { stream } of sent) stream.close(NGHTTP2_CANCEL);
    await until(() => plane.a.sockets.size === 0 && plane.plane.active(MAIN) === 0);
  });

  it("twenty streams of it while the host streams leave no connection to it open", async () => {
    await start();
    plane.a.script = (_, response) => void response.write(Buffer.alloc(65_536));
    plane.routeTo(plane.a, 1);
    const sent = Array.from({ length: 20 }, () => openH2(session, {}, true));
    await until(() => sent.every(({ began }) => began()));
    session.destroy();
    await until(() => plane.a.sockets.size === 0 && plane.plane.active(MAIN) === 0);
  });

  it("in the middle of its body makes the host see a broken request, never a short one", async () => {
    await start();
    plane.routeTo(plane.a, 1);
    const sent = openH2(session, { ":method": "POST", "content-length": "10" });
    sent.stream.write("half");
    await until(() => plane.a.sockets.size === 1);
    sent.stream.close(NGHTTP2_CANCEL);
    await until(() => plane.a.sockets.size === 0);
    expect(plane.a.received).toHaveLength(0);
  });
});

describe("what is large passes over HTTP/2", () => {
  const TOTAL = 64 * 1024 * 1024;
  const CHUNK = Buffer.alloc(64 * 1024, "x");

  /** Resolves when `count` has been the same for a good many looks. */
  async function standsStill(count: () => number): Promise<void> {
    let [last, looks] = [-1, 0];
    await until(() => {
      looks = count() === last ? looks + 1 : 0;
      last = count();
      return looks > 50;
    });
  }

  it("down: no faster than its client reads, and whole", async () => {
    await start();
    let written = 0;
    plane.a.script = (_, response) => {
      const more = (): void => {
        while (written < TOTAL) {
          written += CHUNK.length;
          if (!response.write(CHUNK)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    };
    plane.routeTo(plane.a, 1);
    const stream = session.request({ ":path": "/" });
    await new Promise((resolve) => stream.once("response", resolve));
    await standsStill(() => written);
    expect(written).toBeLessThan(TOTAL / 2);
    let read = 0;
    stream.on("data", (chunk: Buffer) => (read += chunk.length));
    await new Promise((resolve) => stream.once("close", resolve));
    expect([read, stream.rstCode]).toEqual([TOTAL, 0]);
  });

  it("up: no faster than its host reads, and whole", async () => {
    await start();
    let release: () => void = () => undefined;
    plane.a.server.prependListener("request", (request) => {
      request.pause();
      release = () => request.resume();
    });
    plane.a.script = ({ body }, response) => response.end(String(body.length));
    plane.routeTo(plane.a, 1);
    let written = 0;
    const { stream, answer } = openH2(session, { ":method": "PUT" });
    const more = (): void => {
      while (written < TOTAL) {
        written += CHUNK.length;
        if (!stream.write(CHUNK)) return void stream.once("drain", more);
      }
      stream.end();
    };
    more();
    await standsStill(() => written);
    expect(written).toBeLessThan(TOTAL / 2);
    release();
    expect(await answer).toMatchObject({ status: 200, body: String(TOTAL), code: 0 });
  });
});
