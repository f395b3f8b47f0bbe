import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { codeOf, open, send } from "./raw-client.ts";

let plane: Plane;

describe("a request without a primary", () => {
  afterEach(() => plane.stop());

  it("waits, and those that wait go in the order in which they came", async () => {
    plane = await startPlane();
    const order: string[] = [];
    plane.a.script = ({ url }, response) => {
      order.push(url);
      response.end();
    };
    const answers = [];
    for (let index = 0; index < 20; index++) {
      answers.push(send(plane.address, { path: `/${index}` }));
      await until(() => plane.plane.parked(MAIN).requests === index + 1);
    }
    plane.routeTo(plane.a, 1);
    const statuses = await Promise.all(answers);
    expect(statuses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(order).toHaveLength(20);
    expect(plane.plane.parked(MAIN)).toEqual({ requests: 0, bytes: 0 });
  });

  it("over the bound in number gets 503 with Retry-After at once", async () => {
    plane = await startPlane({ park: { requests: 2, bytes: 1 << 20, waitMs: 5000 } });
    const parked = [send(plane.address), send(plane.address)];
    await until(() => plane.plane.parked(MAIN).requests === 2);
    const refused = await send(plane.address);
    expect([refused.status, codeOf(refused), refused.headers["retry-after"]]).toEqual([503, "HS_PARK_FULL", "1"]);
    expect(refused.headers["content-type"]).toBe("application/problem+json");
    plane.routeTo(plane.a, 1);
    expect((await Promise.all(parked)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("over the bound in time gets 503 that says how long it waited", async () => {
    plane = await startPlane({ park: { requests: 2, bytes: 1 << 20, waitMs: 30 } });
    const late = await send(plane.address);
    expect([late.status, codeOf(late)]).toEqual([503, "HS_PARKED_TOO_LONG"]);
    expect(late.headers["server-timing"]).toMatch(/park;dur=/);
    expect(plane.plane.parked(MAIN).requests).toBe(0);
  });

  it("that may have been executed before it waited too long is not called unapplied", async () => {
    plane = await startPlane({ park: { requests: 2, bytes: 1 << 20, waitMs: 30 } });
    plane.a.script = () => {
      plane.plane.setRoute(MAIN, null);
      plane.a.kill();
    };
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address, { method: "POST" }, "x");
    expect([answer.status, codeOf(answer)]).toEqual([502, "HS_OUTCOME_UNKNOWN"]);
  });

  it("whose client leaves frees its place", async () => {
    plane = await startPlane({ park: { requests: 1, bytes: 1 << 20, waitMs: 5000 } });
    const leaving = open(plane.address);
    leaving.end();
    await until(() => plane.plane.parked(MAIN).requests === 1);
    leaving.leave();
    await until(() => plane.plane.parked(MAIN).requests === 0);
    const next = send(plane.address);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.a, 1);
    expect((await next).status).toBe(200);
    expect(plane.a.received).toHaveLength(1);
  });

  it("has no more of its body read than is kept: the rest waits in the client's kernel", async () => {
    plane = await startPlane({ replay: { attempts: 2, bodyBytes: 10_000, answerBytes: 32 * 1024, policy: "keyed" } });
    const sent = open(plane.address, { method: "POST" });
    sent.write(Buffer.alloc(5_000_000, "x"));
    sent.end();
    await until(() => plane.plane.parked(MAIN).requests === 1);
    // What comes in one read of the kernel is taken whole.
    expect(plane.plane.parked(MAIN).bytes).toBeLessThan(2 * 65_536 + 10_000);
    plane.a.script = ({ body }, response) => response.end(String(body.length));
    plane.routeTo(plane.a, 1);
    expect((await sent.answer).body).toBe("5000000");
  });

  it("is turned away when the proxy stops", async () => {
    plane = await startPlane();
    const parked = send(plane.address);
    await until(() => plane.plane.parked(MAIN).requests === 1);
    await plane.plane.stop(20);
    const ended = await parked.catch((error: unknown) => error);
    expect(ended instanceof Error || (ended as { status: number }).status === 503).toBe(true);
  });

  it("is not kept waiting by slow ones before it: long polling does not hold its turn", async () => {
    plane = await startPlane({ park: { requests: 1000, bytes: 1 << 24, waitMs: 5000 } });
    const held: (() => void)[] = [];
    plane.a.script = ({ url }, response) =>
      url === "/slow" ? void held.push(() => response.end()) : void response.end("fast");
    const slow = Array.from({ length: 200 }, () => send(plane.address, { path: "/slow" }));
    await until(() => plane.plane.parked(MAIN).requests === 200);
    const fast = send(plane.address, { path: "/fast" });
    await until(() => plane.plane.parked(MAIN).requests === 201);
    plane.routeTo(plane.a, 1);
    expect((await fast).body).toBe("fast");
    for (const end of held) end();
    await Promise.all(slow);
  });
});

describe("a client that leaves", () => {
  afterEach(() => plane.stop());

  it("twenty of them while the host is silent leave no connection to it open", async () => {
    plane = await startPlane();
    plane.a.script = () => undefined;
    plane.routeTo(plane.a, 1);
    const clients = Array.from({ length: 20 }, () => open(plane.address, { method: "POST" }));
    for (const client of clients) client.end();
    await until(() => plane.a.received.length === 20);
    for (const client of clients) client.leave();
    await until(() => plane.a.sockets.size === 0 && plane.plane.active(MAIN) === 0);
  });

  it("twenty of them while the host streams leave no connection to it open", async () => {
    plane = await startPlane();
    plane.a.script = (_, response) => {
      response.write(Buffer.alloc(65_536));
    };
    plane.routeTo(plane.a, 1);
    const clients = Array.from({ length: 20 }, () => open(plane.address));
    for (const client of clients) client.end();
    await until(() => clients.every((client) => client.began()));
    for (const client of clients) client.leave();
    await until(() => plane.a.sockets.size === 0 && plane.plane.active(MAIN) === 0);
  });

  it("in the middle of its body makes the host see a broken request, never a short one", async () => {
    plane = await startPlane();
    plane.routeTo(plane.a, 1);
    const client = open(plane.address, { method: "POST", headers: { "Content-Length": "10" } });
    client.write("half");
    await until(() => plane.a.sockets.size === 1);
    client.leave();
    await until(() => plane.a.sockets.size === 0);
    expect(plane.a.received).toHaveLength(0);
  });
});
