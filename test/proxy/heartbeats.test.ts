import { expect, test } from "vitest";
import { Heartbeats } from "../../proxy/heartbeats.ts";
import type { ProxyEvent } from "../../proxy/core/proxy-state.ts";
import type { TransportResult } from "../../proxy/transport.ts";
import type { HostConfig } from "../../shared/config/config.ts";
import type { Request } from "../../shared/wire/messages.ts";
import { systemClock } from "../../shared/system-clock.ts";

test("a host that was restarted is known at once: what refuses a message for its former boot is alive", async () => {
  const asked: (string | null)[] = [];
  const told: ProxyEvent[] = [];
  const report = { host: "host-a", bootId: "2".repeat(32) };
  const answer = (bootId: string | null): TransportResult<"heartbeat"> =>
    bootId === null
      ? ({ type: "answer", answer: { report, originMs: 0, receivedMs: 0, sentMs: 0 }, roundTripMs: 0 } as never)
      : { type: "failed", kind: "rejected", reason: "another boot", code: "HS_MESSAGE_BOOT" };
  const heartbeats = new Heartbeats({
    transport: {
      send: (_name: string, { body }: { body: unknown }) => {
        const { bootId } = body as Request<"heartbeat">;
        asked.push(bootId);
        return Promise.resolve(answer(bootId) as never);
      },
      close: () => undefined,
    } as never,
    clock: systemClock,
    timeoutMs: 100,
    signal: new AbortController().signal,
    tell: (event) => told.push(event),
    onProtocol: () => expect.unreachable(),
  });
  await heartbeats.send({ id: "host-a", control: { host: "127.0.0.1", port: 1 } } as HostConfig, "1".repeat(32));
  expect(asked).toEqual(["1".repeat(32), null]);
  expect(told).toMatchObject([{ type: "probeAnswered", host: "host-a", report }]);
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
  const heartbeats = new Heartbeats({
    transport: { send: () => Promise.resolve(results.shift()), close: () => undefined } as never,
    clock: systemClock,
    timeoutMs: 100,
    signal: new AbortController().signal,
    tell: (event) => events.push("kind" in event ? event.kind : event.type),
    onProtocol: (_, problem) => changes.push(problem),
  });
  const host = { id: "host-a", control: { host: "127.0.0.1", port: 1 } } as HostConfig;
  const problems: (string | null)[] = [];
  while (results.length > 0) {
    await heartbeats.send(host, null);
    problems.push(heartbeats.protocolProblem(host.id));
  }
  const problem = "speaks protocol 2 to 3; accepted is 1 to 1";
  expect(problems).toEqual([problem, problem, problem, null]);
  expect(changes).toEqual([problem, null]);
  // A refusal is no sign of death.
  expect(events).toEqual(["rejected", "rejected", "timeout", "probeAnswered"]);
});
