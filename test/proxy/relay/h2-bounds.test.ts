/** What one client of HTTP/2 can cost: each of its ways to have the proxy work for nothing ends, and others are served meanwhile. */
import { constants, type ClientHttp2Session } from "node:http2";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { askH2, openSession } from "./h2-session.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { block, END_HEADERS, END_STREAM, FRAME, frameOf, GET, POST, RawH2 } from "./raw-h2.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

let plane: Plane;
let session: ClientHttp2Session;
let raw: RawH2;
beforeEach(async () => {
  plane = await startPlane({ park: { requests: 1000, bytes: 1 << 24, waitMs: 20_000 } }, { tls: { ...tls, ca: null } });
  plane.routeTo(plane.a, 1);
  session = openSession(plane.address, authority.ca);
  raw = await RawH2.open(plane.address, authority.ca);
});
afterEach(async () => {
  session.destroy();
  raw.end();
  await plane.stop();
});

/** Requests of another client, one after the other. */
async function othersAreServed(count: number): Promise<void> {
  for (let index = 0; index < count; index++) expect((await askH2(session)).status).toBe(200);
}

describe("a client of HTTP/2", () => {
  it("has a hundred requests at once, not more, and the rest wait with it", async () => {
    plane.plane.setRoute(MAIN, null);
    const answers = Array.from({ length: 250 }, () => askH2(session));
    await until(() => plane.plane.parked(MAIN).requests === 100);
    plane.routeTo(plane.a, 2);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses).toEqual(Array.from({ length: 250 }, () => 200));
  });

  it("that opens more at once than it was told gets none of them through", async () => {
    plane.plane.setRoute(MAIN, null);
    for (let index = 0; index < 101; index++) raw.request(2 * index + 1, GET);
    expect(await raw.outcome(201)).not.toBe(200);
    expect(plane.plane.parked(MAIN).requests).toBeLessThanOrEqual(100);
    plane.routeTo(plane.a, 2);
    await othersAreServed(10);
  });

  it.each([
    ["of 17 KiB", { "x-large": "x".repeat(17_000) }],
    ["of 17 KiB in its path", { ":path": `/${"x".repeat(17_000)}` }],
    ["of 230 fields", Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`x-${index}`, "1"]))],
  ])("with a head %s gets 431", async (_, head) => {
    expect((await askH2(session, head)).status).toBe(431);
    await othersAreServed(1);
    expect(plane.a.received).toHaveLength(1);
  });

  it("with a path of more than 8 KiB gets 414", async () => {
    expect((await askH2(session, { ":path": `/${"x".repeat(8200)}` })).status).toBe(414);
  });

  it("with an expectation that cannot be met gets 417", async () => {
    expect((await askH2(session, { expect: "a miracle" })).status).toBe(417);
  });

  it.each([
    ["of 60 KiB", [...GET, ["x", "y".repeat(60_000)]]],
    ["of 300 fields", [...GET, ...Array.from({ length: 300 }, (_, index) => [`x-${index}`, ""])]],
  ] as const)("with a head %s is refused before that is read", async (_, fields) => {
    const bytes = block(fields.map(([name = "", value = ""]) => [name, value]));
    raw.frame(FRAME.headers, END_STREAM, 1, bytes.subarray(0, 16_000));
    for (let at = 16_000; at < bytes.length; at += 16_000)
      raw.frame(FRAME.continuation, 0, 1, bytes.subarray(at, at + 16_000));
    raw.frame(FRAME.continuation, END_HEADERS, 1);
    expect(["reset", "closed"]).toContain(await raw.outcome(1));
    await othersAreServed(1);
    expect(plane.a.received).toHaveLength(1);
  });
});

describe("a flood over HTTP/2", () => {
  /** Sends in parts, each with a turn of the loop behind it, until the connection is gone or `parts` are over. */
  async function flood(part: (index: number) => Buffer, parts: number): Promise<void> {
    for (let index = 0; index < parts && !raw.closed; index++) {
      raw.write(part(index));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const times = (count: number, one: (index: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, index) => one(index)));

  it("of requests that are reset at once ends its connection, and takes nothing from others", async () => {
    plane.a.script = ({ url }, response) => (url === "/" ? void response.end("ok") : undefined);
    const head = block([...GET.slice(0, 3), [":path", "/flood"]]);
    const reset = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    const pair = (stream: number): Buffer =>
      Buffer.concat([
        frameOf(FRAME.headers, END_STREAM | END_HEADERS, stream, head),
        frameOf(FRAME.reset, 0, stream, reset),
      ]);
    const flooding = flood((part) => times(50, (index) => pair(2 * (50 * part + index) + 1)), 200);
    await othersAreServed(50);
    await flooding;
    await until(() => raw.closed);
    expect(raw.goneWith).not.toBe(null);
    await until(() => plane.plane.active(MAIN) === 0);
    // Those before the bound.
    expect(plane.a.received.filter(({ url }) => url === "/flood").length).toBeLessThan(1000);
  });

  it("of requests that the proxy is made to reset ends its connection", async () => {
    // A body that is shorter than it was told is an error of its stream alone: it is the proxy that resets it.
    const head = block([...POST, ["content-length", "5"]]);
    const pair = (stream: number): Buffer =>
      Buffer.concat([
        frameOf(FRAME.headers, END_HEADERS, stream, head),
        frameOf(FRAME.data, END_STREAM, stream, Buffer.from("x")),
      ]);
    const flooding = flood((part) => times(50, (index) => pair(2 * (50 * part + index) + 1)), 400);
    await othersAreServed(20);
    await flooding;
    await until(() => raw.closed);
    await until(() => plane.plane.active(MAIN) === 0);
  });

  it("of one head without an end ends its connection", async () => {
    raw.frame(FRAME.headers, END_STREAM, 1, block(GET));
    const flooding = flood(() => times(100, () => frameOf(FRAME.continuation, 0, 1, block([["x", "y"]]))), 1000);
    await othersAreServed(10);
    await flooding;
    await until(() => raw.closed);
    expect(plane.a.received).toHaveLength(10);
  });

  it("of empty pieces of a body ends its connection", async () => {
    raw.request(1, POST, 0);
    const flooding = flood(() => times(100, () => frameOf(FRAME.data, 0, 1)), 1000);
    await othersAreServed(10);
    await flooding;
    await until(() => raw.closed && plane.plane.active(MAIN) === 0);
  });

  it.each([
    ["pings", frameOf(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ["settings", frameOf(FRAME.settings, 0, 0)],
    ["priorities", frameOf(FRAME.priority, 0, 1, Buffer.alloc(5))],
    ["window updates", frameOf(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))],
  ])("of %s takes nothing from others", async (_, frame) => {
    const flooding = flood(() => times(500, () => frame), 40);
    await othersAreServed(50);
    await flooding;
    await othersAreServed(10);
  });

  it("of frames by chance ends nothing but its own connections", async () => {
    const payloads = fc.oneof(
      fc.constant(block(GET)),
      fc.constant(block([...POST, ["content-length", "5"]])),
      fc.constant(block([["x-trailer", "1"]])),
      fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
      fc.constant(Buffer.alloc(4)),
    );
    const flags = fc.constantFrom(0, END_STREAM, END_HEADERS, END_STREAM | END_HEADERS);
    const types = fc.oneof(fc.constantFrom(FRAME.headers, FRAME.data, FRAME.reset), fc.nat({ max: 12 }));
    const frames = fc.array(fc.tuple(types, flags, fc.nat({ max: 9 }), payloads), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(frames, fc.boolean(), async (sent, leavesAtOnce) => {
        const client = await RawH2.open(plane.address, authority.ca);
        for (const [type, flag, stream, payload] of sent) client.frame(type, flag, stream, payload);
        if (!leavesAtOnce) await new Promise((resolve) => setImmediate(resolve));
        client.end();
        await othersAreServed(1);
      }),
      { numRuns: 150 },
    );
    await until(() => plane.plane.active(MAIN) === 0);
  });

  it("of what is no HTTP/2 ends its connection", async () => {
    raw.write(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100)));
    await until(() => raw.closed);
    await othersAreServed(10);
    expect(plane.a.received).toHaveLength(10);
  });
});
