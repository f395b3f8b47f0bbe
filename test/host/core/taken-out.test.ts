/** A host that an operator takes out: it never fences after it has read so (I12), and comes back where it was. */
import { describe, expect, test } from "vitest";
import { releaseRecord } from "../../../host/core/primary.ts";
import type { RecordId } from "../../../shared/ids.ts";
import { headAt, history, PoolScript, SELF } from "./pool-script.ts";

const OUT = "taken offline by anna";
/** What was asked for before is still awaited. */
function takeOut(script: PoolScript): void {
  const { effects } = script;
  expect(script.send({ type: "decided", offline: OUT })).toEqual([]);
  script.effects = effects;
}
const takeBack = (script: PoolScript): void => void script.send({ type: "decided", offline: null });

describe("a standby that is taken out", () => {
  test("is offline at once, refuses orders with the reason, and takes no part", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 3));
    takeOut(script);
    expect(script.phase).toBe("offline");
    const ticket = script.ordered(chain.head!.fence.id);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason: OUT });
    expect(script.tick(10_000)).toEqual([]);
  });

  test("finishes what it applies first, and knows afterwards where its store stands", () => {
    const chain = history(4);
    const script = PoolScript.standby(headAt(chain, 2));
    script.tick();
    script.surveyed([2, 3, 4]);
    script.readFrom(chain);
    const { call, steps } = script.asked("apply");
    takeOut(script);
    expect(script.phase).toBe("standby");
    script.send({ type: "applied", call, head: steps.at(-1)!.head, failure: null });
    expect([script.phase, script.state.applied?.slot]).toEqual(["offline", 4]);
  });

  test("comes back as a standby that looks at once", () => {
    const script = PoolScript.standby(headAt(history(3), 3));
    takeOut(script);
    takeBack(script);
    script.tick();
    expect([script.phase, script.asked("survey").from]).toEqual(["standby", 3]);
  });

  test("that it is out is known before the start", () => {
    const script = new PoolScript({ firstPreferred: true });
    takeOut(script);
    script.started(null);
    script.tick(60_000);
    expect([script.phase, script.effects]).toEqual(["offline", []]);
  });
});

describe("a host that is taken out while it takes over", () => {
  test("does not fence any more", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 3));
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([3]);
    takeOut(script);
    script.readFrom(chain);
    expect(script.effects.filter(({ type }) => type === "put")).toEqual([]);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason: OUT });
    expect(script.phase).toBe("offline");
  });

  test("whose fence is put already goes on: somebody must serve, and hands over then", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 3)).toConfirm(chain);
    takeOut(script);
    script.surveyed([]);
    script.readFrom(chain);
    script.applied();
    script.opened();
    expect(script.phase).toBe("primary");
    const sealed = releaseRecord(script.state.applied!, "7".repeat(32) as RecordId, { successor: null, cause: OUT });
    script.send({ type: "resign", sealed, reason: OUT });
    script.put("created");
    expect(script.phase).toBe("offline");
  });
});

test("a host that is sick does not get well by being taken out and back", () => {
  const chain = history(3);
  const script = PoolScript.standby(headAt(chain, 3)).toFence(chain);
  script.put("undurable");
  expect(script.phase).toBe("fenced");
  takeOut(script);
  takeBack(script);
  script.tick(10_000);
  expect(script.phase).toBe("fenced");
});

describe("a release", () => {
  test("whom it names takes over by itself, without an order, once", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 3));
    script.tick();
    chain.follow(releaseRecord(chain.head!, "7".repeat(32) as RecordId, { successor: SELF, cause: "test" }));
    script.surveyed([3, 4]);
    script.readFrom(chain);
    script.applied();
    script.tick(50);
    script.surveyed([4]);
    script.tick();
    expect([script.phase, script.effects.map(({ type }) => type)]).toEqual(["taking-over", ["survey"]]);
    script.surveyed([4]);
    script.readFrom(chain);
    const { record } = script.asked("put").sealed;
    expect(record).toMatchObject({ kind: "fence", fence: { reason: "switchover" } });
    script.put("refused");
    script.tick(60_000);
    expect(script.effects.filter(({ type }) => type === "put")).toEqual([]);
  });

  test("whom it does not name waits for an order", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 3));
    script.tick();
    chain.follow(releaseRecord(chain.head!, "7".repeat(32) as RecordId, { successor: null, cause: "test" }));
    script.surveyed([3, 4]);
    script.readFrom(chain);
    script.applied();
    script.tick(50);
    script.surveyed([4]);
    script.tick(60_000);
    expect(script.phase).toBe("standby");
  });
});
