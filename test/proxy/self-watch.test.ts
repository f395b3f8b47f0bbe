import { expect, test } from "vitest";
import type { OwnState } from "../../proxy/core/own-sight.ts";
import { SelfWatch } from "../../proxy/self-watch.ts";
import { atStart } from "../../shared/config/config-standing.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { content } from "./core/accounts.ts";
import { configOf } from "./running.ts";

const [PEER, STRANGER] = [parseNodeId("proxy-2"), parseNodeId("host-z")];

test("clocks that others tell of count only for nodes that are configured, and only while the teller lives", async () => {
  const config = { ...(await configOf([])), hosts: [{ id: parseNodeId("host-c") }] as never };
  const watch = new SelfWatch({
    self: parseNodeId("proxy-1"),
    standing: () => atStart(config),
    clock: systemClock,
    keyIds: () => ["0123456789abcdef"],
    onQuarantine: () => expect.unreachable(),
  });
  const nowMs = systemClock.wallMs();
  watch.clocks.heard(PEER, { askedMs: systemClock.monotonicMs(), receivedMs: nowMs, sentMs: nowMs });
  const clocks = ["host-c", STRANGER].map((node) => ({ node, offsetMs: 40, errorMs: 1 }));
  const told: OwnState[] = [];
  const estimates = (isSilent: boolean): number[] => {
    watch.start(
      () => [{ proxy: PEER, isSilent, content: content({ clocks }) }],
      (own) => told.push(own),
    );
    watch.stop();
    return ["host-c", STRANGER].flatMap((node) => watch.clocks.estimate(parseNodeId(node))?.offsetMs ?? []);
  };
  expect(estimates(false)).toEqual([expect.closeTo(40, -1)]);
  expect(estimates(true)).toEqual([]);
  // What it tells others is what it hears itself, never what it was told.
  expect(told.at(0)?.clocks.map(({ node }) => node)).toEqual([PEER]);
});
