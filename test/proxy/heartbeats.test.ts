import { expect, test } from "vitest";
import { HostAddresses } from "../../proxy/host-addresses.ts";
import { Heartbeats } from "../../proxy/heartbeats.ts";
import { ProtocolProblems } from "../../proxy/protocol-problems.ts";
import type { ProxyEvent } from "../../proxy/core/proxy-event.ts";
import type { TransportResult } from "../../proxy/transport.ts";
import type { HostConfig } from "../../shared/config/config.ts";
import { PeerClocks } from "../../shared/clocks/peer-clocks.ts";
import { parseNodeId } from "../../shared/ids.ts";
import type { Request } from "../../shared/wire/messages.ts";
import { systemClock } from "../../shared/system-clock.ts";

const PROXY = parseNodeId("proxy-1");
const A = { id: "host-a", control: { host: "127.0.0.1", port: 1 } } as HostConfig;
const REPORT = { host: "host-a", bootId: "2".repeat(32) };

/** Asks through a transport that answers as the test says. */
function heartbeats(answer: (body: Request<"heartbeat">) => TransportResult<"heartbeat">) {
  const asked: Request<"heartbeat">[] = [];
  const told: ProxyEvent[] = [];
  const clocks = new PeerClocks({ self: PROXY, clock: systemClock, boundMs: () => 500 });
  const transport = {
    send: (_name: string, { body }: { body: unknown }) => {
      asked.push(body as Request<"heartbeat">);
      return Promise.resolve(answer(body as Request<"heartbeat">) as never);
    },
    close: () => undefined,
  };
  const made = new Heartbeats({
    transport: transport as never,
    clock: systemClock,
    clocks,
    revision: () => 0,
    addresses: new HostAddresses([A], () => undefined),
    timeoutMs: () => 100,
    signal: new AbortController().signal,
    tell: (event) => told.push(event),
    protocols: new ProtocolProblems(() => undefined),
  });
  return { asked, told, clocks, send: (bootId: string | null) => made.send(A, bootId) };
}

const answered = (aheadMs = 0): TransportResult<"heartbeat"> => {
  const nowMs = systemClock.wallMs() + aheadMs;
  const answer = { report: REPORT, originMs: 0, receivedMs: nowMs, sentMs: nowMs };
  return { type: "answer", answer, roundTripMs: 0 } as never;
};

test("a host that was restarted is known at once: what refuses a message for its former boot is alive", async () => {
  const { asked, told, send } = heartbeats(({ bootId }) =>
    bootId === null
      ? answered()
      : { type: "failed", kind: "rejected", reason: "another boot", code: "HS_MESSAGE_BOOT" },
  );
  await send("1".repeat(32));
  expect(asked.map(({ bootId }) => bootId)).toEqual(["1".repeat(32), null]);
  expect(told).toMatchObject([{ type: "probeAnswered", host: "host-a", report: REPORT }]);
});

test("a host that was given another address is looked for there first, and asked at the former one until it is there", async () => {
  const next = { host: "127.0.0.1", port: 2 };
  const there = new Set([1]);
  const asked: number[] = [];
  const told: string[] = [];
  let moves = 0;
  const addresses = new HostAddresses([{ ...A, advertise: A.control }], () => (moves += 1));
  addresses.configure([{ ...A, control: next, advertise: next }]);
  const transport = {
    send: (_name: string, { address }: { readonly address: typeof next }) => {
      asked.push(address.port);
      return Promise.resolve(there.has(address.port) ? answered() : { type: "failed", kind: "refused", reason: "" });
    },
    close: () => undefined,
  };
  const made = new Heartbeats({
    transport: transport as never,
    clock: systemClock,
    clocks: new PeerClocks({ self: PROXY, clock: systemClock, boundMs: () => 500 }),
    addresses,
    timeoutMs: () => 100,
    revision: () => 0,
    signal: new AbortController().signal,
    tell: ({ type }) => told.push(type),
    protocols: new ProtocolProblems(() => undefined),
  });
  const send = (): Promise<void> => made.send(addresses.of(A.id), null);
  await send();
  there.clear();
  await send();
  there.add(2);
  await send();
  await send();
  expect(asked).toEqual([2, 1, 2, 1, 2, 2]);
  expect(told).toEqual(["probeAnswered", "probeFailed", "probeAnswered", "probeAnswered"]);
  // Requests follow when the application's address takes a connection.
  expect([moves, addresses.data.get(A.id)?.port]).toEqual([0, 1]);
  addresses.moved(A.id, "advertise", next);
  expect([moves, addresses.data.get(A.id)?.port]).toEqual([1, 2]);
});

test("each answer tells how far the host's clock is ahead, and the next question tells the host, once there are three", async () => {
  const { asked, clocks, send } = heartbeats(() => answered(10_000));
  await send(null);
  const { offsetMs, errorMs } = clocks.estimate(A.id)!;
  expect(Math.abs(offsetMs - 10_000)).toBeLessThanOrEqual(errorMs);
  await send(REPORT.bootId);
  const nowMs = systemClock.wallMs();
  clocks.heard(parseNodeId("host-b"), { askedMs: systemClock.monotonicMs(), receivedMs: nowMs, sentMs: nowMs });
  await send(REPORT.bootId);
  await send(null);
  expect(asked.map(({ clock }) => clock)).toEqual([null, null, expect.anything(), null]);
  expect(asked[2]!.clock!.offsetMs).toBeGreaterThan(9_000);
});

test("a host without a common version of the protocol is named with both ranges, once, until it has one", async () => {
  const details = { found: "1 to 1", accepted: "2 to 3", min: 2, max: 3 };
  const refused = { type: "failed", kind: "rejected", reason: "", code: "HS_MESSAGE_VERSION", details } as const;
  const answer = { report: {}, originMs: 0, receivedMs: 0, sentMs: 0 };
  const results: unknown[] = [
    refused,
    refused,
    { type: "failed", kind: "timeout", reason: "" },
    { type: "answer", answer, roundTripMs: 0 },
  ];
  const changes: (string | null)[] = [];
  const events: string[] = [];
  const protocols = new ProtocolProblems((_, problem) => changes.push(problem));
  const heartbeats = new Heartbeats({
    transport: { send: () => Promise.resolve(results.shift()), close: () => undefined } as never,
    clock: systemClock,
    revision: () => 0,
    addresses: new HostAddresses([A], () => undefined),
    timeoutMs: () => 100,
    signal: new AbortController().signal,
    tell: (event) => events.push("kind" in event ? event.kind : event.type),
    clocks: new PeerClocks({ self: parseNodeId("proxy-1"), clock: systemClock, boundMs: () => 500 }),
    protocols,
  });
  const host = { id: "host-a", control: { host: "127.0.0.1", port: 1 } } as HostConfig;
  const problems: (string | null)[] = [];
  while (results.length > 0) {
    await heartbeats.send(host, null);
    problems.push(protocols.of(host.id));
  }
  const problem = "speaks protocol 2 to 3; accepted is 1 to 1";
  expect(problems).toEqual([problem, problem, problem, null]);
  expect(changes).toEqual([problem, null]);
  // A refusal is no sign of death.
  expect(events).toEqual(["rejected", "rejected", "timeout", "probeAnswered"]);
});
