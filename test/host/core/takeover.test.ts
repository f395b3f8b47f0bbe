/** Taking over, step by step: what each step may conclude, and why it refuses. */
import { describe, expect, test } from "vitest";
import { slot } from "../../../shared/position.ts";
import type { RecordId } from "../../../shared/ids.ts";
import { knowUpTo } from "../../shared/journal/known-formats.ts";
import type { Chain } from "../../shared/journal/records.ts";
import { headAt, history, PoolScript, SELF } from "./pool-script.ts";

const ready = (chain: Chain): PoolScript => PoolScript.standby(chain.head);

describe("an order while the store is being moved", () => {
  test("a record that is being applied is not applied a second time by the takeover", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 2));
    script.tick();
    script.surveyed([2, 3]);
    script.readFrom(chain);
    const { call } = script.asked("apply");
    script.ordered(chain.head!.fence.id);
    expect(script.effects).toEqual([]);
    script.send({ type: "applied", call, head: chain.head, failure: null });
    expect(script.asked("survey").from).toBe(3);
    expect(script.state.applied).toEqual(chain.head);
  });

  test("a record that does not apply ends the takeover, and the standby finds out why", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 2));
    script.tick();
    script.surveyed([2, 3]);
    script.readFrom(chain);
    const { call } = script.asked("apply");
    const ticket = script.ordered(chain.head!.fence.id);
    script.send({ type: "applied", call, head: headAt(chain, 2), failure: "conflict" });
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
    expect(script.phase).toBe("standby");
  });
});

describe("step 1: refusals", () => {
  test("the fence to depose is not the newest: refused, and told the newest", () => {
    const chain = history(2);
    const script = ready(chain);
    const ticket = script.ordered("f".repeat(32) as RecordId);
    script.surveyed([2]);
    script.readFrom(chain);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", fence: chain.head!.fence });
    expect(script.phase).toBe("standby");
  });

  test("an order for a pool without a fence is refused where there is one", () => {
    const chain = history(2);
    const script = ready(chain);
    const ticket = script.ordered(null);
    script.surveyed([2]);
    script.readFrom(chain);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
  });

  test("the vault cannot be listed", () => {
    const script = ready(history(2));
    const ticket = script.ordered(null);
    script.unlistable();
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
  });

  test("the vault was rolled back: the own last record is gone and no checkpoint covers it", () => {
    const chain = history(4);
    const script = ready(chain);
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([]);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
    expect(script.state.alarm?.code).toBe("HS_VAULT_BEHIND");
  });

  test("the own last record was cleaned away below a checkpoint: that is no alarm", () => {
    const chain = history(4);
    const script = ready(chain);
    script.ordered(chain.head!.fence.id);
    script.surveyed([], [4]);
    expect(script.asked("put").sealed.record.header.slot).toBe(5);
  });

  test("the own last record is another's: the own copy is set aside", () => {
    const chain = history(3);
    const other = history(2);
    other.fence("host-z");
    const script = ready(chain);
    script.ordered(chain.head!.fence.id);
    script.surveyed([3]);
    script.read([other.records[2]!]);
    expect(script.asked("restore").aside).not.toBeNull();
  });

  test("a record that nobody can pass is not fenced over", () => {
    const chain = history(3);
    const script = PoolScript.standby(headAt(chain, 2));
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([2, 3]);
    script.read([chain.records[1]!], { type: "invalid", reason: "checksum" });
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason: expect.stringContaining("slot 3") });
  });

  test("the pool goes on in a version that this program does not read: not fenced over, and the version is named", () => {
    const chain = history(2);
    const script = ready(chain);
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([2, 3]);
    knowUpTo(2);
    const sealed = chain.format(2);
    knowUpTo(1);
    script.read([chain.records[1]!, sealed]);
    const reason = "slot 3 cannot be passed: its format 2 is newer than this program reads (1)";
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason });
    expect(script.effects.some(({ type }) => type === "put")).toBe(false);
  });

  test("the own last record is damaged: the refusal names that slot, not the next", () => {
    const chain = history(3);
    const script = ready(chain);
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([3]);
    script.read([], { type: "invalid", reason: "checksum" });
    expect(script.answerTo(ticket)?.reason).toContain("slot 3");
  });

  test("later records exist without the next one: nothing is fenced over the hole", () => {
    const chain = history(5);
    const script = PoolScript.standby(headAt(chain, 2));
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([2, 4, 5]);
    script.readFrom(chain);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
  });

  test.each<[string, (script: PoolScript) => void]>([
    ["an application that lacks schema entries", (script) => script.send({ type: "fitness", unfit: "entry missing" })],
    ["a host that is restoring", (script) => lateTimes(script)],
  ])("%s is no candidate", (_, make) => {
    const script = ready(history(2));
    make(script);
    const ticket = script.ordered(null);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
  });

  /** Late three times over: it restores. */
  function lateTimes(script: PoolScript): void {
    script.tick();
    for (let tries = 0; tries < 3; tries += 1) script.surveyed([], [9]);
    expect(script.phase).toBe("restoring");
  }
});

describe("step 2: the fence", () => {
  test("is one epoch higher, names the fence before it, and follows the verified head", () => {
    const chain = history(3);
    const { record } = ready(chain).toFence(chain).asked("put").sealed;
    expect(record.kind).toBe("fence");
    expect(record.header).toMatchObject({ slot: 4, epoch: 2, owner: SELF, previousHash: chain.head!.hash });
    expect(record.kind === "fence" && record.fence.previous?.id).toBe(chain.head!.fence.id);
  });

  test("is put only after what was read: records beyond the own state are verified, and applied after it", () => {
    const chain = history(5);
    const script = PoolScript.standby(headAt(chain, 2));
    script.ordered(chain.head!.fence.id);
    script.surveyed([2, 3, 4, 5]);
    script.readFrom(chain);
    expect(script.asked("put").sealed.record.header.slot).toBe(6);
    expect(script.state.applied?.slot).toBe(2);
  });

  test("a living primary's batch took the slot: it is verified and the next slot tried, with another id", () => {
    const chain = history(3);
    const script = ready(chain).toFence(chain);
    const first = script.asked("put").sealed.record.header.id;
    script.put("exists");
    const batch = chain.batch();
    script.read([batch]);
    script.synced();
    script.read([batch]);
    const { header } = script.asked("put").sealed.record;
    expect(header).toMatchObject({ slot: 5, previousHash: batch.hash });
    expect(header.id).not.toBe(first);
  });

  test("the pool's version was raised at that slot: the fence is written in the new one", () => {
    knowUpTo(2);
    const chain = history(3);
    const script = ready(chain).toFence(chain);
    expect(script.asked("put").sealed.record.header.version).toBe(1);
    script.put("exists");
    const format = chain.format(2);
    script.read([format]);
    script.synced();
    script.read([format]);
    expect(script.asked("put").sealed.record.header).toMatchObject({ slot: 5, version: 2 });
  });

  test("the pool's version was raised at that slot beyond what this program knows: lost, and nothing more is put", () => {
    const chain = history(3);
    const script = ready(chain);
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([3]);
    script.readFrom(chain);
    script.put("exists");
    knowUpTo(2);
    const format = chain.format(2);
    knowUpTo(1);
    script.read([format]);
    script.synced();
    script.read([format]);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason: expect.stringContaining("newer") });
    expect(script.effects.some(({ type }) => type === "put")).toBe(false);
  });

  test("another's fence took the slot: lost, a standby again, and nothing of that fence is told before it is followed", () => {
    const chain = history(3);
    const before = chain.head!.fence;
    const script = ready(chain);
    const ticket = script.ordered(before.id);
    script.surveyed([3]);
    script.readFrom(chain);
    script.put("exists");
    const fence = chain.fence("host-c");
    script.read([fence]);
    script.synced();
    script.read([fence]);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", fence: before });
    expect(script.phase).toBe("standby");
  });

  test("its reply is lost and it is found: it is the own fence, and the takeover goes on", () => {
    const chain = history(3);
    const script = ready(chain).toFence(chain);
    const { sealed } = script.asked("put");
    script.put("unknown");
    script.read([sealed]);
    script.synced();
    script.read([sealed]);
    expect(script.asked("survey").from).toBe(5);
  });

  test("its folder cannot be synced: this process never serves again", () => {
    const chain = history(3);
    const script = ready(chain).toFence(chain);
    script.put("undurable");
    expect(script.state.phase).toMatchObject({ type: "fenced", sick: true });
  });

  test("refused at first, for want of space: a standby, as before", () => {
    const chain = history(3);
    const script = ready(chain).toFence(chain);
    script.put("refused");
    expect(script.phase).toBe("standby");
  });
});

describe("step 3: is the fence history?", () => {
  test("until it is passed the new epoch is told to nobody", () => {
    const chain = history(3);
    const before = chain.head!.fence;
    const script = ready(chain).toConfirm(chain);
    expect(script.state.newestFence).toEqual(before);
  });

  test("nothing beyond: it catches up", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([]);
    expect(script.asked("read")).toMatchObject({ from: 4, to: 4 });
  });

  test("the record after it carries its hash: history, and this host already deposed", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    const mine = chain.head!.fence;
    const next = chain.fence("host-c");
    script.surveyed([5]);
    script.read([next]);
    expect(script.phase).toBe("standby");
    expect(script.state.newestFence).toEqual(mine);
  });

  test("the record after it carries another hash: the fence is void, and the host restores", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    const real = history(5);
    script.surveyed([5]);
    script.read([real.records[4]!]);
    expect(script.phase).toBe("restoring");
  });

  test.each([
    ["a checkpoint beyond it", [], [9]],
    ["a checkpoint of its very slot", [], [4]],
    ["records beyond it, without the next", [6, 7], []],
  ])("%s: the fence is void, and the host restores", (_, slots, checkpoints) => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed(slots, checkpoints);
    expect(script.phase).toBe("restoring");
    expect(script.effects.map(({ type }) => type)).not.toContain("put");
  });

  test("it cannot be listed: asked again after a while, and nothing is told meanwhile", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.unlistable();
    expect(script.effects).toEqual([]);
    script.tick(1_000);
    expect(script.asked("survey").from).toBe(5);
  });

  test.each([
    ["absent", { type: "absent" as const }],
    ["unreadable", { type: "unreadable" as const, reason: "EIO" }],
  ])("the record after it is %s: listed again after a while, not at once", (_, stop) => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([5]);
    script.read([], stop);
    expect(script.effects).toEqual([]);
    script.tick(1_000);
    expect(script.asked("survey").from).toBe(5);
  });

  test("the record after it is damaged: somebody fenced behind it, so this host is a standby", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([5]);
    script.read([], { type: "invalid", reason: "checksum" });
    expect(script.phase).toBe("standby");
  });
});

describe("step 4: catching up and serving", () => {
  test("serves only when all up to the fence is applied and the store is open", () => {
    const chain = history(5);
    const script = PoolScript.standby(headAt(chain, 2));
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([2, 3, 4, 5]);
    script.readFrom(chain);
    chain.follow(script.asked("put").sealed);
    script.put("created");
    script.surveyed([]);
    expect(script.asked("read")).toMatchObject({ from: 3, to: 6 });
    script.readFrom(chain);
    script.applied();
    expect(script.answerTo(ticket)).toBeNull();
    script.opened();
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "serving", fence: { epoch: 2 } });
  });

  test("a read that fails for a moment is tried again: no failover is thrown away for it", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([]);
    script.read([], { type: "unreadable", reason: "EIO" });
    expect(script.phase).toBe("taking-over");
    script.tick(1_000);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(1);
  });

  test("a read that fails for longer than a takeover may take: it releases, and another may follow", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([]);
    script.now += 5_000;
    script.read([], { type: "unreadable", reason: "EIO" });
    expect(script.asked("put").sealed.record.kind).toBe("release");
  });

  test("what it had verified was cleaned away, and a void fence has its name: not applied, and released", () => {
    const chain = history(5);
    const script = PoolScript.standby(headAt(chain, 2));
    script.ordered(chain.head!.fence.id);
    script.surveyed([2, 3, 4, 5]);
    script.readFrom(chain);
    const relics = history(2);
    const relic = relics.fence("host-c");
    chain.follow(script.asked("put").sealed);
    script.put("created");
    script.surveyed([]);
    script.read([relic], { type: "absent" });
    expect(script.effects).toEqual([]);
    script.now += 5_000;
    script.tick();
    script.read([relic, chain.records[3]!]);
    expect(script.asked("put").sealed.record.kind).toBe("release");
    expect(script.state.applied?.slot).toBe(2);
  });

  test("a record that does not apply: it releases, and is a standby that sets its copy aside", () => {
    const chain = history(3);
    const script = ready(chain);
    const ticket = script.ordered(chain.head!.fence.id);
    script.surveyed([3]);
    script.readFrom(chain);
    chain.follow(script.asked("put").sealed);
    script.put("created");
    script.surveyed([]);
    script.readFrom(chain);
    script.failsToApply(headAt(chain, 3));
    const release = chain.follow(script.asked("put").sealed);
    expect(release.record.kind).toBe("release");
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
    script.put("created");
    expect(script.phase).toBe("fenced");
    script.tick();
    script.tick();
    script.surveyed([3, 4, 5]);
    script.readFrom(chain);
    script.failsToApply(headAt(chain, 3));
    expect(script.asked("restore").aside).not.toBeNull();
  });

  test("the store does not open: it releases, and may be ordered again later", () => {
    const chain = history(3);
    const script = ready(chain).toConfirm(chain);
    script.surveyed([]);
    script.readFrom(chain);
    script.applied();
    script.opened("no space");
    expect(script.asked("put").sealed.record.kind).toBe("release");
    script.put("refused");
    expect(script.phase).toBe("fenced");
    expect(script.state.unfit).toBeNull();
  });
});

describe("orders that come while one is carried out", () => {
  test("the same order again waits for the same outcome", () => {
    const chain = history(3);
    const script = ready(chain);
    const first = script.ordered(chain.head!.fence.id);
    const survey = script.asked("survey");
    const second = script.ordered(chain.head!.fence.id);
    expect(script.effects).toEqual([]);
    script.send({ type: "surveyed", call: survey.call, survey: null, reason: "no share" });
    expect([script.answerTo(first)?.outcome, script.answerTo(second)?.outcome]).toEqual(["refused", "refused"]);
  });

  test("an order that deposes another fence is refused at once, and disturbs nothing", () => {
    const chain = history(3);
    const script = ready(chain);
    script.ordered(chain.head!.fence.id);
    const ticket = script.ordered(null);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
    expect(script.phase).toBe("taking-over");
  });

  test("a result of a step that was left behind changes nothing", () => {
    const chain = history(3);
    const script = ready(chain);
    script.ordered(chain.head!.fence.id);
    const { call } = script.asked("survey");
    const state = script.state;
    const survey = { slots: [slot(3)], checkpoints: [] };
    script.send({ type: "surveyed", call: call - 1, survey, reason: "" });
    expect(script.state).toBe(state);
  });
});
