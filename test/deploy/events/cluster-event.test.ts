import { expect, test } from "vitest";
import { eventLine, OnceTold, type ClusterEvent } from "../../../deploy/cli/events/cluster-event.ts";

const event = (more: Partial<ClusterEvent>): ClusterEvent => ({
  atMs: 0,
  source: "proxies",
  by: "proxy-1",
  type: "pool",
  text: "pool main is waiting",
  trouble: true,
  details: {},
  ...more,
});

test("what several proxies see is told once; again when it happens again", () => {
  const once = new OnceTold();
  expect(once.isNew(event({}))).toBe(true);
  expect(once.isNew(event({ by: "proxy-2", atMs: 40 }))).toBe(false);
  expect(once.isNew(event({ by: "proxy-1", atMs: 50 }))).toBe(true);
  expect(once.isNew(event({ by: "proxy-2", atMs: 60_000 }))).toBe(true);
});

test("what operators do twice is told twice", () => {
  const once = new OnceTold();
  const done = event({ source: "operators", by: "ann" });
  expect([once.isNew(done), once.isNew({ ...done, by: "bob" })]).toEqual([true, true]);
});

test("a name from a shared file cannot move the cursor", () => {
  expect(eventLine(event({ by: "a\u001B[2J" }), false)).not.toContain("\u001B");
  expect(eventLine(event({ text: null }), false)).toBeNull();
});
