/** What operations decide: every one may be done twice, none contradicts another silently. */
import { describe, expect, it } from "vitest";
import {
  decide,
  excludedNodes,
  exclusionOf,
  maintenanceAt,
  newer,
  NO_DECISIONS,
  offlineOf,
  type Change,
  type Decisions,
} from "../../../shared/revisions/decisions.ts";

const BY = { by: "anna@ops", atMs: 1000, reason: "new disks" };
const offline = (node: string, last = false): Change => ({ type: "offline", node, last });
const HOST = {
  kind: "host",
  id: "host-d",
  listen: "10.0.0.4:7100",
  control: "10.0.0.4:7101",
  advertise: "10.0.0.4:7100",
  data: "/var/lib/hotspare",
  candidate: true,
} as const;

/** After all of them, one after the other. */
function after(...changes: readonly Change[]): Decisions {
  return changes.reduce<Decisions>((before, change) => decide(before, change, BY) ?? before, NO_DECISIONS);
}

const TWICE: readonly (readonly [string, Decisions, Change])[] = [
  ["offline", NO_DECISIONS, offline("host-a")],
  ["online", after(offline("host-a")), { type: "online", node: "host-a" }],
  ["remove", after(offline("host-a")), { type: "remove", node: "host-a" }],
  ["add", NO_DECISIONS, { type: "add", node: HOST }],
  ["the end of a maintenance", after({ type: "maintenance-on", untilMs: null }), { type: "maintenance-off" }],
];

describe("a decision", () => {
  it.each(TWICE)("%s: the second time changes nothing", (_, before, change) => {
    const once = decide(before, change, BY);
    expect(once?.revision).toBe(before.revision + 1);
    expect(decide(once!, change, BY)).toBeNull();
  });

  it("keeps who took a node out, when and why", () => {
    expect(offlineOf(after(offline("host-a")), "host-a")).toEqual({ node: "host-a", ...BY, last: false });
  });

  it("a node that is being taken out may still be told that it may be the last", () => {
    const decisions = after(offline("host-a"), offline("host-a", true));
    expect(decisions.offline).toEqual([{ node: "host-a", ...BY, last: true }]);
    expect(decide(decisions, offline("host-a"), BY)).toBeNull();
  });

  it("a node that is part of the cluster is not removed", () => {
    const remove: Change = { type: "remove", node: "host-a" };
    expect(() => decide(NO_DECISIONS, remove, BY)).toThrow(expect.objectContaining({ code: "HS_DECISION_REFUSED" }));
  });

  it.each([offline("host-a"), { type: "online", node: "host-a" } as const])(
    "a removed node is refused: %j",
    (change) => {
      const gone = after(offline("host-a"), { type: "remove", node: "host-a" });
      expect(() => decide(gone, change, BY)).toThrow("host-a was removed from the cluster");
    },
  );

  it("a removed node leaves nothing behind but its name, and may be added again", () => {
    const gone = after({ type: "add", node: HOST }, offline("host-d"), { type: "remove", node: "host-d" });
    expect(gone).toMatchObject({ offline: [], added: [], removed: ["host-d"] });
    expect(decide(gone, { type: "add", node: HOST }, BY)).toMatchObject({ added: [HOST], removed: [] });
  });

  it("a registered node does not change its addresses silently", () => {
    const moved: Change = { type: "add", node: { ...HOST, control: "10.0.0.9:7101" } };
    expect(() => decide(after({ type: "add", node: HOST }), moved, BY)).toThrow(/registered already/);
  });

  it.each([{ id: "Host D" }, { listen: "10.0.0.4" }, { control: "10.0.0.4:99999" }, { data: " " }])(
    "a node that no file could have is not registered: %o",
    (wrong) => {
      const add: Change = { type: "add", node: { ...HOST, ...wrong } };
      expect(() => decide(NO_DECISIONS, add, BY)).toThrow(expect.objectContaining({ code: "HS_DECISION_REFUSED" }));
    },
  );

  it("why a node has no part is told of who is out and of who is gone", () => {
    const gone = after(offline("host-a"), { type: "remove", node: "host-a" }, offline("host-b"));
    expect(["host-a", "host-b", "host-c"].map((node) => exclusionOf(gone, node))).toEqual([
      "removed from the cluster",
      "taken offline by anna@ops: new disks",
      null,
    ]);
    expect(excludedNodes(gone)).toEqual(["host-a", "host-b"]);
  });

  it("no more nodes are out than a message can carry", () => {
    const many = Array.from({ length: 512 }, (_, index) => ({ node: `host-${index}`, ...BY, last: false }));
    const full = { ...NO_DECISIONS, offline: many };
    expect(() => decide(full, offline("one-more"), BY)).toThrow(/512 nodes/);
  });
});

describe("a maintenance", () => {
  it("ends by itself, and until then holds", () => {
    const decisions = after({ type: "maintenance-on", untilMs: 5000 });
    expect([maintenanceAt(decisions, 4999)?.by, maintenanceAt(decisions, 5000)]).toEqual(["anna@ops", null]);
  });

  it("without an end holds until somebody ends it", () => {
    expect(maintenanceAt(after({ type: "maintenance-on", untilMs: null }), 1e15)).not.toBeNull();
  });
});

it("of two that nodes tell, the later revision holds, in any order", () => {
  const [one, two] = [after(offline("host-a")), after(offline("host-a"), offline("host-b"))];
  expect([newer(one, two), newer(two, one)]).toEqual([two, two]);
});
