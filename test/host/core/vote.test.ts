/** What a standby says of the owner of a fence, by what it saw and what the owner answers. */
import { describe, expect, test } from "vitest";
import type { RecordId } from "../../../shared/ids.ts";
import type { HostReport, PoolReport } from "../../../shared/wire/reports.ts";
import type { PoolState } from "../../../host/core/pool-state.ts";
import { nothingSeen, stepStandstill, type Mark, type Standstill } from "../../../host/core/standstill.ts";
import { concludeVote, judgeVote, type Asked, type VoteRules, type Witness } from "../../../host/core/vote.ts";
import { REPORT } from "../../shared/wire/nodes.ts";
import { headAt, history, PoolScript } from "./pool-script.ts";

const RULES: VoteRules = { stillMs: 1000, hangMs: 10_000, storageMs: 8000 };
const NOW = 20_000;

const chain = history(3);
const head = headAt(chain, 3);
const { fence } = head;
const FOLLOWS = PoolScript.standby(head).state;
const EMPTY = PoolScript.standby(null).state;

const OWNER: Mark = { bootId: fence.bootId, tick: 9, role: "primary" };

interface Watched {
  readonly pool: PoolState;
  /** Newest slot at each look, the last one at `NOW`. */
  readonly slots: readonly number[];
  readonly marks: readonly (Mark | null)[];
  readonly probe: Witness["probe"];
}

const LOOK_MS = 500;
const STILL: Watched = {
  pool: FOLLOWS,
  slots: [3, 3, 3, 3],
  marks: [OWNER, OWNER, OWNER, OWNER],
  probe: { ok: true, ageMs: 300 },
};

/** What a host has seen that looked twice a second. */
function witness(changes: Partial<Watched>): Witness {
  const { pool, slots, marks, probe } = { ...STILL, ...changes };
  const known = pool.newestFence?.id ?? null;
  let standstill: Standstill = nothingSeen;
  for (const [index, slot] of slots.entries()) {
    const now = NOW - LOOK_MS * (slots.length - 1 - index);
    const mark = marks[index] ?? null;
    standstill = stepStandstill(
      standstill,
      { type: "followed", fence: known, slot, atHeadMs: now },
      now,
      RULES.stillMs,
    );
    const event = mark ? ({ type: "marked", mark, askedMs: now } as const) : ({ type: "unreadable" } as const);
    standstill = stepStandstill(standstill, event, now, RULES.stillMs);
  }
  return { pool, standstill, probe, nowMs: NOW };
}

const judged = (changes: Partial<Watched>, about: RecordId | null = fence.id): string => {
  const judgement = judgeVote(about, witness(changes), RULES);
  return judgement.type === "ask" ? "ask" : `${judgement.answer.verdict}: ${judgement.answer.reason}`;
};

const ticks = (changes: Partial<Mark> = {}): readonly Mark[] =>
  [1, 1, 2, 2].map((tick) => ({ ...OWNER, tick, ...changes }));
const inPhase = (phase: PoolState["phase"]): PoolState => ({ ...FOLLOWS, phase });
const OTHER = "e".repeat(32) as RecordId;
const RESTARTED = { bootId: "c".repeat(32), role: "standby" };

describe("without asking the owner", () => {
  test.each<[string, Partial<Watched>, RecordId | null, string]>([
    ["all stood still: the owner is asked", {}, fence.id, "ask"],
    ["the journal moves", { slots: [2, 2, 3, 3] }, fence.id, "alive: the journal moves"],
    ["the owner's file moves", { marks: ticks() }, fence.id, "alive: the file of host-a moves"],
    ["and it is taking over", { marks: ticks({ role: "taking-over" }) }, fence.id, "alive: the file of host-a moves"],
    [
      "its file moves, and says that it does not serve: its answer decides",
      { marks: ticks({ role: "fenced" }) },
      fence.id,
      "ask",
    ],
    ["it was started again long ago: its answer decides", { marks: ticks(RESTARTED) }, fence.id, "ask"],
    [
      "it was started again a moment ago",
      { marks: [OWNER, OWNER, OWNER, { ...OWNER, ...RESTARTED, tick: 1 }] },
      fence.id,
      "unsure: it has watched the file of host-a stand still for 0 of 1000 ms",
    ],
    [
      "its file cannot be read",
      { marks: [OWNER, OWNER, OWNER, null] },
      fence.id,
      "unsure: the file of host-a cannot be read",
    ],
    ["its file was never read", { marks: [] }, fence.id, "unsure: the file of host-a cannot be read"],
    [
      "this host has only begun to look",
      { slots: [3, 3], marks: [OWNER, OWNER] },
      fence.id,
      "unsure: it has watched the journal stand still for 500 of 1000 ms",
    ],
    [
      "or only at the file",
      { marks: [null, null, OWNER, OWNER] },
      fence.id,
      "unsure: it has watched the file of host-a stand still for 500 of 1000 ms",
    ],
    [
      "this host cannot write to the vault",
      { probe: { ok: false, ageMs: 10 } },
      fence.id,
      "unsure: its own write probe of the vault is not good",
    ],
    [
      "or has not for long",
      { probe: { ok: true, ageMs: 1001 } },
      fence.id,
      "unsure: its own write probe of the vault is not good",
    ],
    [
      "it has an alarm",
      { pool: { ...FOLLOWS, alarm: { code: "HS_VAULT_IO", slot: head.slot, reason: "" } } },
      fence.id,
      "unsure: it has an alarm: HS_VAULT_IO",
    ],
    [
      "it restores",
      { pool: inPhase({ type: "restoring", call: 1, atLeast: null }) },
      fence.id,
      "unsure: it is restoring",
    ],
    ["it is fenced", { pool: inPhase({ type: "fenced", reason: "", sick: false }) }, fence.id, "unsure: it is fenced"],
    ["it is offline", { pool: inPhase({ type: "offline" }) }, fence.id, "unsure: it is offline"],
    ["it knows another fence", {}, OTHER, "unsure: another fence is the newest that it knows: epoch 1 of host-a"],
    ["it knows a fence, where the proxy knows none", {}, null, "unsure: a newer fence is known: epoch 1 of host-a"],
    [
      "it knows no fence, where the proxy knows one",
      { pool: EMPTY, slots: [0, 0, 0] },
      fence.id,
      "unsure: it knows no fence",
    ],
    [
      "nobody knows a fence",
      { pool: EMPTY, slots: [0, 0, 0] },
      null,
      "down: there is no fence, and the journal is empty",
    ],
    [
      "but this host has only begun to look",
      { pool: EMPTY, slots: [0] },
      null,
      "unsure: it has watched the journal stand still for 0 of 1000 ms",
    ],
  ])("%s", (_, changes, about, expected) => {
    expect(judged(changes, about)).toBe(expected);
  });

  test("an owner that is asked itself says whether it serves", () => {
    const chainOfSelf = history(3, "host-b");
    const own = headAt(chainOfSelf, 3);
    const script = PoolScript.standby(own);
    expect(judged({ pool: script.state }, own.fence.id)).toBe("down: it owns the fence and does not serve");
    script.tick();
    script.surveyed([3]);
    expect(judged({ pool: script.state }, own.fence.id)).toBe("unsure: it takes over by itself");
    const primary = PoolScript.standby(own).toServing(chainOfSelf);
    const served = primary.state.newestFence?.id ?? null;
    expect(judged({ pool: primary.state }, served)).toBe("alive: it serves");
    expect(judged({ pool: primary.state }, OTHER)).toBe("unsure: a newer fence is known: epoch 2 of this host");
  });
});

const failed: Asked = { type: "failed", reason: "refused: nobody listens" };
const owner = (entry: Partial<PoolReport> | null, changes: Partial<HostReport> = {}): Asked => {
  const pool: PoolReport = {
    pool: "main",
    role: "standby",
    serving: false,
    fence,
    slot: 3,
    lsn: 2,
    logTimeMs: 0,
    lagMs: 0,
    unfit: null,
    alarm: null,
    takingOver: false,
    ...entry,
  };
  return { type: "report", report: { ...REPORT, bootId: fence.bootId, pools: entry ? [pool] : [], ...changes } };
};
const serving = { role: "primary", serving: true } as const;
const late = { ageMs: 8000, ok: false, latencyMs: 1 };

describe("when the owner was asked", () => {
  test.each<[string, Asked, Partial<Watched>, string]>([
    ["it does not answer", failed, {}, "down: host-a: it does not answer: refused: nobody listens"],
    [
      "it does not answer, and lives in the vault",
      failed,
      { marks: ticks({ role: "fenced" }) },
      "alive: the file of host-a moves, though it does not answer: refused: nobody listens",
    ],
    [
      "its file moved meanwhile",
      failed,
      { marks: [OWNER, OWNER, OWNER, { ...OWNER, tick: 10 }] },
      "alive: the file of host-a moves",
    ],
    ["the journal moved meanwhile", failed, { slots: [2, 2, 2, 3] }, "alive: the journal moves"],
    [
      "this host lost the vault meanwhile",
      failed,
      { probe: { ok: false, ageMs: 0 } },
      "unsure: its own write probe of the vault is not good",
    ],
    [
      "it refuses this host",
      { type: "unclear", reason: "rejected: the clock" },
      {},
      "unsure: host-a: rejected: the clock",
    ],
    ["it serves", owner(serving), {}, "alive: host-a: it answers that it serves"],
    [
      "it serves, and its main thread is late",
      owner(serving, { mainTickAgeMs: 9999 }),
      {},
      "alive: host-a: it answers that it serves",
    ],
    [
      "its main thread hangs",
      owner(serving, { mainTickAgeMs: 10_000 }),
      {},
      "down: host-a: its main thread has not ticked for 10000 ms",
    ],
    [
      "it cannot write to the vault",
      owner(serving, { probe: late }),
      {},
      "down: host-a: it could not write to the vault for 8000 ms",
    ],
    [
      "it serves under another fence",
      owner({ ...serving, fence: { ...fence, id: OTHER } }),
      {},
      "unsure: host-a: it serves under another fence",
    ],
    [
      "it knows a newer fence",
      owner({ fence: { ...fence, id: OTHER, epoch: 2 } }),
      {},
      "unsure: host-a: it knows a newer fence",
    ],
    ["it is taking over", owner({ role: "taking-over" }), {}, "unsure: host-a: it is taking over"],
    ["it is about to", owner({ takingOver: true }), {}, "unsure: host-a: it is taking over"],
    ["it does not serve", owner({ role: "fenced" }), {}, "down: host-a: it answers that it does not serve: fenced"],
    [
      "and says so in the vault too",
      owner({ role: "standby" }),
      { marks: ticks({ role: "standby" }) },
      "down: host-a: it answers that it does not serve: standby",
    ],
    [
      "it was started again, and does not serve",
      owner({}, { bootId: RESTARTED.bootId }),
      { marks: ticks(RESTARTED) },
      "down: host-a: it answers that it does not serve: standby",
    ],
    [
      "it was started again since its file was read",
      owner({}, { bootId: "d".repeat(32) }),
      {},
      "unsure: host-a: it was just started",
    ],
    ["it does not have the pool yet", owner(null), {}, "unsure: host-a: it was just started"],
  ])("%s", (_, asked, changes, expected) => {
    const { verdict, reason } = concludeVote(fence.id, asked, witness(changes), RULES);
    expect(`${verdict}: ${reason}`).toBe(expected);
  });

  test("how long the vault stood still is told", () => {
    expect(concludeVote(fence.id, failed, witness({}), RULES).stillMs).toBe(1500);
    expect(concludeVote(fence.id, failed, witness({ marks: ticks() }), RULES).stillMs).toBe(500);
  });

  test("what others said is told within the bound of a message", () => {
    const asked: Asked = { type: "unclear", reason: "x".repeat(5000) };
    expect(concludeVote(fence.id, asked, witness({}), RULES).reason.length).toBe(500);
  });
});
