/** What operators decided, as a proxy obeys it: maintenance, nodes that are out, nodes that are gone. */
import { describe, expect, it } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { decide, NO_DECISIONS, type Change, type Decisions } from "../../../shared/revisions/decisions.ts";
import { B, fence, report, RULES, SELF, World, A } from "./world.ts";

const OTHER = parseNodeId("proxy-2");

const after = (...changes: readonly Change[]): Decisions =>
  changes.reduce<Decisions>(
    (before, change) => decide(before, change, { by: "anna", atMs: 1, reason: "new disks" }) ?? before,
    NO_DECISIONS,
  );

/** A proxy that has heard of it from a standby. */
function world(decisions: Decisions, rules = RULES): World {
  const made = new World(rules).atWork();
  const body = report(B, { fence: fence(A, 1), slot: 12 });
  return made.tell({ type: "probeAnswered", host: B, sentMs: made.nowMs, report: body, decisions });
}

const offline = (node: string): Change => ({ type: "offline", node, last: false });

describe("maintenance", () => {
  it("a primary that is killed is not replaced until somebody ends it", () => {
    const decisions = after({ type: "maintenance-on", untilMs: null });
    const rests = world(decisions).dead(A).after(120_000);
    expect([rests.take(), rests.view().state]).toEqual([[], "waiting"]);
    const ended = decide(decisions, { type: "maintenance-off" }, { by: "anna", atMs: 1, reason: "" })!;
    const body = report(B, { fence: fence(A, 1), slot: 12 });
    rests.tell({ type: "probeAnswered", host: B, sentMs: rests.nowMs, report: body, decisions: ended });
    expect(rests.take()).toEqual(["host-b deposes 1"]);
  });

  it("ends by itself by the wall clock, without anything being heard", () => {
    const rests = world(after({ type: "maintenance-on", untilMs: 2000 })).dead(A);
    expect(rests.after(1900 - rests.nowMs).take()).toEqual([]);
    expect(rests.after(200).take()).toEqual(["host-b deposes 1"]);
  });

  it("a takeover that was ordered before goes on", () => {
    const made = new World().atWork().dead(A);
    const decisions = after({ type: "maintenance-on", untilMs: null });
    const body = report(B, { fence: fence(A, 1), slot: 12 });
    made.tell({ type: "probeAnswered", host: B, sentMs: made.nowMs, report: body, decisions });
    expect(made.view().order?.host).toBe(B);
  });
});

describe("a node that is out", () => {
  it("a host is not ordered; nor is one that was removed", () => {
    expect(
      world(after(offline(B)))
        .dead(A)
        .take(),
    ).toEqual(["host-c deposes 1"]);
    expect(
      world(after(offline(B), { type: "remove", node: B }))
        .dead(A)
        .take(),
    ).toEqual(["host-c deposes 1"]);
  });

  it("a proxy orders nobody; nor does one that was removed", () => {
    expect(
      world(after(offline(SELF)))
        .dead(A)
        .take(),
    ).toEqual([]);
    expect(
      world(after(offline(SELF), { type: "remove", node: SELF }))
        .dead(A)
        .take(),
    ).toEqual([]);
  });

  it("a silent proxy's seat counts until it is taken out", () => {
    const rules = { ...RULES, proxies: [SELF, OTHER] };
    expect(world(NO_DECISIONS, rules).dead(A).take()).toEqual([]);
    expect(
      world(after(offline(OTHER)), rules)
        .dead(A)
        .take(),
    ).toEqual(["host-b deposes 1"]);
    const removed = after(offline(OTHER), { type: "remove", node: OTHER });
    expect(world(removed, rules).dead(A).take()).toEqual(["host-b deposes 1"]);
  });
});
