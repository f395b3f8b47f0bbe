import { expect, test } from "vitest";
import { Heartbeats } from "../../proxy/heartbeats.ts";
import type { ProxyEvent } from "../../proxy/core/proxy-event.ts";
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
  });
  await heartbeats.send({ id: "host-a", control: { host: "127.0.0.1", port: 1 } } as HostConfig, "1".repeat(32));
  expect(asked).toEqual(["1".repeat(32), null]);
  expect(told).toMatchObject([{ type: "probeAnswered", host: "host-a", report }]);
});
