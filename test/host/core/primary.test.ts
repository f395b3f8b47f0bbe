/** Serving: what may be told to whom when a put ends one way or the other, and how a tenure ends. */
import { beforeEach, describe, expect, test } from "vitest";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import type { RecordId } from "../../../shared/ids.ts";
import { isServing, roleOf } from "../../../host/core/pool-core.ts";
import type { Effect } from "../../../host/core/pool-state.ts";
import { headerAfter, releaseRecord, STABLE_MS } from "../../../host/core/primary.ts";
import type { Chain } from "../../shared/journal/records.ts";
import { ERROR, headAt, history, PoolScript } from "./pool-script.ts";

let chain: Chain;
let script: PoolScript;

beforeEach(() => {
  chain = history(3);
  script = PoolScript.standby(chain.head).toServing(chain);
});

/** The batch that this primary would make next. */
const ownBatch = (): SealedRecord =>
  encodeRecord({ kind: "batch", header: headerAfter(chain.head!, "e".repeat(32) as RecordId, 1, 99), operations: [] });

function publish(sealed = ownBatch()): SealedRecord {
  script.send({ type: "publish", sealed });
  return sealed;
}

const discarded = (): Effect | undefined => script.effects.find(({ type }) => type === "discard");

describe("publishing", () => {
  test("created: committed with its head, and the store's word is waited for", () => {
    const sealed = publish();
    script.put("created");
    chain.follow(sealed);
    expect(script.asked("commit").head).toEqual(chain.head);
    expect(script.state.applied?.slot).toBe(4);
    script.send({ type: "committed" });
    expect(script.state.applied?.slot).toBe(5);
  });

  test("two batches in flight break an invariant: the node stops", () => {
    publish();
    expect(() => publish()).toThrow("two batches");
  });

  test("a batch that does not follow the own head breaks an invariant: the node stops", () => {
    expect(() => publish(chain.records[2])).toThrow("does not follow");
  });

  test("refused at once: definitely not applied, and the tenure goes on", () => {
    publish();
    script.put("refused");
    expect(discarded()).toMatchObject({ outcome: { type: "refused" } });
    expect(isServing(script.state)).toBe(true);
    publish();
    expect(script.asked("put")).toBeDefined();
  });

  test("refused after a lost reply: nobody is told anything, the same bytes are tried again", () => {
    const sealed = publish();
    script.put("unknown");
    script.read([], { type: "absent" });
    script.tick(1_000);
    script.put("refused");
    expect(script.effects).toEqual([]);
    script.tick(1_000);
    expect(script.asked("put").sealed).toBe(sealed);
  });

  test("the folder cannot be synced: unknown to those who wait, and this process never serves again", () => {
    publish();
    script.put("undurable");
    expect(discarded()).toMatchObject({ outcome: { type: "unknown" } });
    expect(script.state.phase).toMatchObject({ type: "fenced", sick: true });
    script.tick(10_000);
    script.send({ type: "enrol" });
    expect(script.phase).toBe("fenced");
  });

  test("the record is damaged in its slot: it may be the own, so nobody is told", () => {
    publish();
    script.put("unknown");
    for (let tries = 0; tries < 5; tries += 1) {
      script.read([], { type: "invalid", reason: "checksum" });
      if (tries < 4) script.tick(2_000);
    }
    expect(discarded()).toMatchObject({ outcome: { type: "unknown" } });
  });
});

describe("another's record has the slot", () => {
  /** The put finds the fence of another host, and has made its name durable. */
  function meetFence(): void {
    publish();
    script.put("exists");
    const fence = chain.fence("host-c");
    script.read([fence]);
    script.synced();
    script.read([fence]);
  }

  test("nothing was cleaned there: not applied for certain, and the newest fence is told", () => {
    meetFence();
    expect(discarded()).toBeUndefined();
    script.surveyed([5]);
    expect(discarded()).toMatchObject({ outcome: { type: "deposed" } });
    expect(script.state.newestFence?.owner).toBe("host-c");
    expect(script.phase).toBe("fenced");
  });

  test("a checkpoint lies beyond: the own batch may have been there, applied and cleaned away while this host slept", () => {
    const before = script.state.newestFence;
    meetFence();
    script.surveyed([5], [9]);
    expect(discarded()).toMatchObject({ outcome: { type: "unknown" } });
    expect(script.state.newestFence).toEqual(before);
    expect(script.phase).toBe("fenced");
  });

  test("it cannot be listed: unknown", () => {
    meetFence();
    script.unlistable();
    expect(discarded()).toMatchObject({ outcome: { type: "unknown" } });
  });

  test("the deposed host becomes a standby by itself, and follows", () => {
    meetFence();
    script.surveyed([5]);
    script.tick();
    expect(script.phase).toBe("standby");
    script.tick();
    expect(script.asked("survey")).toBeDefined();
  });

  test("rejoin: manual: it stays fenced until it is told to enrol", () => {
    script = PoolScript.standby(headAt(chain, 3), { rejoin: "manual" });
    chain = history(3);
    script.toServing(chain);
    meetFence();
    script.surveyed([5]);
    script.tick(60_000);
    expect(script.phase).toBe("fenced");
    script.send({ type: "enrol" });
    expect(script.phase).toBe("standby");
  });

  test("rejoin is configured anew while it is fenced: it returns by itself from then on, or not any more", () => {
    const tuning = { firstPreferred: false, orderable: true, takeoverTimeoutMs: 1, rejoin: "auto" } as const;
    script = PoolScript.standby(headAt(chain, 3), { rejoin: "manual" });
    chain = history(3);
    script.toServing(chain);
    script.send({ type: "configured", tuning });
    expect(script.phase).toBe("primary");
    script.send({ type: "configured", tuning: { ...tuning, rejoin: "manual" } });
    meetFence();
    script.surveyed([5]);
    script.tick(60_000);
    expect(script.phase).toBe("fenced");
    script.send({ type: "configured", tuning });
    expect(script.phase).toBe("fenced");
    script.tick();
    expect(script.phase).toBe("standby");
  });
});

describe("watching while idle", () => {
  function watch(): void {
    script.tick(1_000);
    expect(script.asked("survey").from).toBe(4);
  }

  test("another's fence at the next slot: deposed, without anybody writing", () => {
    watch();
    const fence = chain.fence("host-c");
    script.surveyed([4, 5]);
    script.read([fence]);
    expect(script.phase).toBe("fenced");
    expect(script.state.newestFence?.owner).toBe("host-c");
  });

  function miss(): void {
    for (let round = 0; round < 3; round += 1) {
      watch();
      script.surveyed([]);
    }
    expect(script.asked("read")).toMatchObject({ from: chain.head!.fence.slot });
  }

  test("the own last record is gone, three times in a row, and its fence is there: the vault was rolled back", () => {
    miss();
    script.read([chain.records.find(({ hash }) => hash === chain.head!.fence.hash)!]);
    expect(script.phase).toBe("fenced");
    expect(discarded()).toMatchObject({ outcome: { type: "unknown" } });
  });

  test("nothing at all is there: the share is away, which is no reason to step down", () => {
    miss();
    script.read([], { type: "absent" });
    expect(isServing(script.state)).toBe(true);
  });

  test("the own last record was missed once, or cleaned away below a checkpoint: that is no rollback", () => {
    for (let round = 0; round < 2; round += 1) {
      watch();
      script.surveyed([]);
    }
    watch();
    script.surveyed([4]);
    for (let round = 0; round < 4; round += 1) {
      watch();
      script.surveyed([], [4]);
    }
    expect(isServing(script.state)).toBe(true);
  });

  test("of a primary that writes, listings that are each a little late miss another record each: that is no rollback", () => {
    const write = (): void => {
      chain.follow(publish());
      script.put("created");
      script.send({ type: "committed" });
    };
    watch();
    script.surveyed([]);
    for (let last = 4; last < 12; last += 2) {
      write();
      script.tick(1_000);
      expect(script.asked("survey").from).toBe(last);
      script.surveyed([last]);
      write();
      script.tick(1_000);
      expect(script.asked("survey").from).toBe(last + 2);
      script.surveyed([]);
    }
    expect(isServing(script.state)).toBe(true);
  });

  test("nothing: it looks again later, not at once", () => {
    watch();
    script.surveyed([4]);
    script.tick();
    expect(script.effects).toEqual([]);
    script.tick(1_000);
    expect(script.asked("survey")).toBeDefined();
  });

  test("what is listed cannot be read: that is no reason to step down", () => {
    watch();
    script.surveyed([4, 5]);
    script.read([], { type: "unreadable", reason: "EIO" });
    expect(isServing(script.state)).toBe(true);
  });

  test("the own batch, published meanwhile, is not taken for another's", () => {
    watch();
    const { call } = script.asked("survey");
    const sealed = publish();
    script.put("created");
    script.send({ type: "committed" });
    script.send({
      type: "surveyed",
      call,
      survey: { slots: [sealed.record.header.slot], checkpoints: [] },
      reason: "",
    });
    expect(isServing(script.state)).toBe(true);
    expect(script.effects).toEqual([]);
  });

  test("a record read while the own ones went on is not taken for the next one's", () => {
    watch();
    script.surveyed([4, 5]);
    const { call } = script.asked("read");
    const own = publish();
    script.put("created");
    script.send({ type: "committed" });
    chain.follow(own);
    const next = publish();
    script.put("created");
    script.send({ type: "committed" });
    expect(next.record.header.slot).toBe(6);
    script.send({ type: "read", call, run: { records: [own], stop: null } });
    expect(isServing(script.state)).toBe(true);
  });
});

describe("orders to a host that serves", () => {
  test("for its own fence: it serves already", () => {
    const ticket = script.ordered(chain.head!.fence.id);
    expect(script.answerTo(ticket)?.outcome).toBe("serving");
  });

  test("for the fence before: refused, and told its own", () => {
    const ticket = script.ordered(headAt(chain, 3).fence.id);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", fence: chain.head!.fence });
  });
});

describe("stepping back", () => {
  const resign = (): void => {
    const sealed = releaseRecord(chain.head!, "d".repeat(32) as RecordId, { successor: null, cause: "test" });
    script.send({ type: "resign", sealed, reason: "test" });
  };

  test.each(["created", "refused", "undurable"] as const)("a release that is %s ends the tenure", (result) => {
    resign();
    expect(roleOf(script.state)).toBe("primary");
    expect(isServing(script.state)).toBe(false);
    script.put(result);
    expect(script.phase).toBe("fenced");
  });

  test("a batch after the release breaks an invariant: the node stops", () => {
    resign();
    expect(() => publish()).toThrow("after the release");
  });

  test("it does not take over again by itself: release binds nobody, but it had its turn", () => {
    resign();
    const { sealed } = script.asked("put");
    script.put("created");
    chain.follow(sealed);
    script.tick();
    script.tick();
    script.surveyed([4, 5]);
    script.readFrom(chain);
    script.applied();
    for (let ticks = 0; ticks < 5; ticks += 1) {
      script.tick(1_000);
      if (script.effects.length > 0) script.surveyed([4, 5]);
    }
    expect(script.phase).toBe("standby");
  });
});

test("a tenure that lasted is stable, and no part of a crash loop", () => {
  script.tick();
  expect(script.state.lastTenure?.stable).toBe(false);
  script.tick(STABLE_MS);
  expect(script.state.lastTenure?.stable).toBe(true);
});

test("an error of the put keeps its code on its way to those who wait", () => {
  publish();
  script.put("refused");
  expect(discarded()).toMatchObject({ outcome: { error: ERROR } });
});
