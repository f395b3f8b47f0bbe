/** What operators decided, as a proxy goes by it: who may be ordered, who has a seat, when nobody is ordered at all. */
import { describe, expect, it } from "vitest";
import type { Decisions } from "../../../shared/revisions/decisions.ts";
import { NO_DECISIONS } from "../../../shared/revisions/decisions.ts";
import { A, B, C, fence, primary, report, RULES, SELF, World } from "./world.ts";

const BY = { by: "anna", atMs: 0, reason: "disks" };
const out = (...nodes: readonly string[]): Decisions => ({
  ...NO_DECISIONS,
  revision: 1,
  offline: nodes.map((node) => ({ node, ...BY, last: false })),
});
const maintenance = (untilMs: number | null, revision = 1): Decisions => ({
  ...NO_DECISIONS,
  revision,
  maintenance: { ...BY, untilMs },
});

/** A cluster at work in which host C has told of the decisions. */
function told(decisions: Decisions, world = new World()): World {
  world.atWork();
  const sentMs = world.nowMs;
  return world.tell({
    type: "probeAnswered",
    host: C,
    sentMs,
    report: report(C, { fence: fence(A, 1), slot: 11 }),
    decisions,
  });
}

/** Until then the standbys answer all the time. */
function alive(world: World, untilMs: number): void {
  while (world.nowMs < untilMs) {
    world.after(Math.min(100, untilMs - world.nowMs));
    world.heard(B, report(B, { fence: fence(A, 1), slot: 12 })).heard(C, report(C, { fence: fence(A, 1), slot: 11 }));
  }
}

describe("a host that is taken out", () => {
  it("is not ordered, however far it has come", () => {
    const world = told(out(B)).dead(A);
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("may be the only one there is: then nobody is ordered, and the pool waits", () => {
    const world = told(out(B, C)).dead(A);
    expect([world.take(), world.view().state]).toEqual([[], "waiting"]);
  });

  it("is ordered again when it is back", () => {
    const world = told(out(B));
    const sentMs = world.nowMs;
    const entry = report(B, { fence: fence(A, 1), slot: 12 });
    world.tell({ type: "probeAnswered", host: B, sentMs, report: entry, decisions: { ...NO_DECISIONS, revision: 2 } });
    expect(world.dead(A).take()).toEqual(["host-b deposes 1"]);
  });
});

describe("a maintenance", () => {
  it("lets nobody be ordered, and shows why the pool waits", () => {
    const world = told(maintenance(null)).dead(A).after(60_000);
    expect([world.take(), world.view().state, world.view().incident?.cause]).toEqual([[], "waiting", "refused"]);
  });

  it("ends by itself, and then what is due is done at once", () => {
    const world = told(maintenance(30_000)).dead(A);
    alive(world, 29_900);
    expect(world.take()).toEqual([]);
    alive(world, 30_100);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("lets an order that was sent before go on", () => {
    const world = new World().atWork().dead(A);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    world.tell({
      type: "probeAnswered",
      host: C,
      sentMs: world.nowMs,
      report: report(C, {}),
      decisions: maintenance(null),
    });
    expect(world.view().order?.host).toBe(B);
  });

  it("that an older revision tells of does not come back", () => {
    const world = told({ ...NO_DECISIONS, revision: 2 });
    told(maintenance(null, 1), world);
    expect(world.dead(A).take()).toEqual(["host-b deposes 1"]);
  });
});

describe("a proxy that is taken out", () => {
  const three = { ...RULES, proxies: [SELF, "proxy-2", "proxy-3"] as never };

  it("orders nobody", () => {
    expect(told(out(SELF)).dead(A).after(60_000).take()).toEqual([]);
  });

  it("has no seat: those that are left decide", () => {
    const world = told(out("proxy-2", "proxy-3"), new World(three)).dead(A);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("of three one: the other two still have to agree", () => {
    const world = told(out("proxy-2"), new World(three)).dead(A);
    expect(world.take()).toEqual([]);
  });
});

describe("a primary that has handed over", () => {
  const handsOver = (world: World): World => {
    world.nowMs += 10;
    const left = { role: "fenced", fence: fence(A, 1), unfit: "fenced: switchover", successor: C } as const;
    return world.heard(A, report(A, left));
  };

  it("orders the one that it names itself: nobody gets in the way", () => {
    const world = handsOver(new World().atWork()).after(900);
    expect(world.take()).toEqual([]);
    expect(world.heard(C, primary(C, 2)).route()).toBe("host-c 2");
  });

  it("and nothing comes of it: the one that it named is ordered, not who has applied most", () => {
    expect(handsOver(new World().atWork()).after(1500).take()).toEqual(["host-c deposes 1"]);
  });

  it("names somebody who is gone: the next one is ordered at once", () => {
    const world = new World().atWork().dead(C);
    world.take();
    expect(handsOver(world).take()).toEqual(["host-b deposes 1"]);
  });

  it("and dies: then it is dead, whatever it had named", () => {
    const world = handsOver(new World().atWork());
    expect(world.dead(A).take()).toEqual(["host-c deposes 1"]);
  });

  it("named somebody in an older tenure: that says nothing now", () => {
    const world = new World().atWork().heard(B, primary(B, 2));
    world
      .heard(C, report(C, { fence: fence(A, 1), successor: C }))
      .heard(A, report(A, { fence: fence(B, 2), slot: 20 }));
    expect(world.dead(B).take()).toEqual(["host-a deposes 2"]);
  });
});
