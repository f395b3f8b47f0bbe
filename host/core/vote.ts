/**
 * A standby's word on the owner of a fence, in the place of proxies that are silent. Pure.
 *
 * `down` needs two things that do not hang on one another: this host's own probe of the owner, and a vault that stood still
 * while this host looked. So neither a network that is cut between the two hosts nor a slow share alone makes one. It binds
 * nobody, is kept nowhere, and nothing rests on its being right but that no takeover is needless: the journal decides.
 */
import type { RecordId } from "../../shared/ids.ts";
import type { FenceRef } from "../../shared/journal/record.ts";
import type { Answer } from "../../shared/wire/messages.ts";
import type { HostReport, PoolReport } from "../../shared/wire/reports.ts";
import { isServing, roleOf } from "./pool-core.ts";
import type { PoolState } from "./pool-state.ts";
import { seen, type Seen, type Standstill } from "./standstill.ts";

type VoteAnswer = Answer<"vote">;

/** What this host knows without asking anybody. */
export interface Witness {
  readonly pool: PoolState;
  readonly standstill: Standstill;
  /** Its own write probe of the vault. */
  readonly probe: { readonly ok: boolean; readonly ageMs: number };
  readonly nowMs: number;
}

export interface VoteRules {
  /** How long the vault must have stood still. */
  readonly stillMs: number;
  /** A main thread that has not ticked for so long is as good as dead. */
  readonly hangMs: number;
  /** So is a host that could not write to the vault for so long. */
  readonly storageMs: number;
}

/** How asking the owner went. */
export type Asked =
  | { readonly type: "report"; readonly report: HostReport }
  /** Nobody answers there. */
  | { readonly type: "failed"; readonly reason: string }
  /** Somebody does, and will not talk to this host; or it was not asked to the end. */
  | { readonly type: "unclear"; readonly reason: string };

/** `ask`: all depends on what the owner answers. */
export type Judgement =
  | { readonly type: "answer"; readonly answer: VoteAnswer }
  | { readonly type: "ask"; readonly fence: FenceRef; readonly stillMs: number };

/** @param fence the id of the fence that the question is about; `null`: is there none? */
export function judgeVote(fence: RecordId | null, witness: Witness, rules: VoteRules): Judgement {
  const { pool, standstill, nowMs } = witness;
  if (isServing(pool)) return onOwnTenure(fence, pool);
  const unable = inability(fence, witness, rules);
  if (unable !== null) return unsure(unable);
  const journal = seen(standstill.journal, nowMs, rules.stillMs);
  if (journal.type === "moved") return alive("the journal moves", journal.stillMs);
  if (journal.type !== "still") return unsure(tooShort("the journal", journal, rules), journal.stillMs);
  const { newestFence } = pool;
  if (newestFence === null) return down("there is no fence, and the journal is empty", journal.stillMs);
  if (newestFence.owner === pool.settings.self) return onOwnFence(pool, journal.stillMs);
  return judgeOwner(newestFence, journal, witness, rules);
}

/** What the owner's answer makes of it. `witness` is as of after it: something may have moved meanwhile. */
export function concludeVote(fence: RecordId | null, asked: Asked, witness: Witness, rules: VoteRules): VoteAnswer {
  const judgement = judgeVote(fence, witness, rules);
  if (judgement.type === "answer") return judgement.answer;
  return conclude(judgement, reading(asked, judgement.fence, witness, rules), witness, rules).answer;
}

/** Why this host can say nothing of that fence; `null` if it can. */
function inability(fence: RecordId | null, { pool, probe }: Witness, rules: VoteRules): string | null {
  const role = roleOf(pool);
  if (role !== "standby") return `it is ${role}`;
  if (pool.alarm !== null) return `it has an alarm: ${pool.alarm.code}`;
  if (!probe.ok || probe.ageMs > rules.stillMs) return "its own write probe of the vault is not good";
  const { newestFence } = pool;
  if ((newestFence?.id ?? null) === fence) return null;
  if (newestFence === null) return "it knows no fence";
  const known = `epoch ${newestFence.epoch} of ${newestFence.owner}`;
  return fence === null ? `a newer fence is known: ${known}` : `another fence is the newest that it knows: ${known}`;
}

function onOwnTenure(fence: RecordId | null, { phase }: PoolState): Judgement {
  const own = phase.type === "primary" ? phase.primary.fence : null;
  if (own !== null && own.id === fence) return alive("it serves", 0);
  return unsure(`a newer fence is known: epoch ${own?.epoch} of this host`);
}

/** Its own word needs no probe. */
function onOwnFence({ phase }: PoolState, stillMs: number): Judgement {
  const begins = phase.type === "standby" && phase.waitsForOrderUntilMs !== null;
  return begins ? unsure("it takes over by itself", stillMs) : down("it owns the fence and does not serve", stillMs);
}

function judgeOwner(fence: FenceRef, journal: Seen, { standstill, nowMs }: Witness, rules: VoteRules): Judgement {
  const mark = seen(standstill.mark, nowMs, rules.stillMs);
  const stillMs = Math.min(journal.stillMs, mark.stillMs);
  const file = `the file of ${fence.owner}`;
  if (standstill.mark === null || mark.type === "unseen") return unsure(`${file} cannot be read`);
  const { value } = standstill.mark;
  if (mark.type === "moved" && value.bootId === fence.bootId && claims(value.role)) {
    return alive(`${file} moves`, stillMs);
  }
  // It says itself, in this life or by having begun another one, that it does not serve: then its answer decides.
  const idle = value.bootId !== fence.bootId || !claims(value.role);
  const settled = mark.type === "still" || (idle && seen(standstill.life, nowMs, rules.stillMs).type === "still");
  return settled ? { type: "ask", fence, stillMs } : unsure(tooShort(file, mark, rules), stillMs);
}

const claims = (role: string | null): boolean => role === "primary" || role === "taking-over";

type Reading = {
  readonly type: "gone" | "idle" | "serves" | "unclear";
  readonly reason: string;
};

/** What the owner's answer says of that fence. */
function reading(asked: Asked, fence: FenceRef, { pool, standstill }: Witness, rules: VoteRules): Reading {
  if (asked.type === "failed") return { type: "gone", reason: `it does not answer: ${asked.reason}` };
  if (asked.type === "unclear") return asked;
  const { bootId, mainTickAgeMs, probe, pools } = asked.report;
  if (mainTickAgeMs >= rules.hangMs) {
    return { type: "gone", reason: `its main thread has not ticked for ${Math.round(mainTickAgeMs)} ms` };
  }
  if (probe.ageMs >= rules.storageMs) {
    return { type: "gone", reason: `it could not write to the vault for ${Math.round(probe.ageMs)} ms` };
  }
  const entry = pools.find((one) => one.pool === pool.settings.pool);
  if (!entry || bootId !== standstill.life?.value) return { type: "unclear", reason: "it was just started" };
  return readEntry(entry, fence);
}

function readEntry({ serving, fence: known, role, takingOver }: PoolReport, fence: FenceRef): Reading {
  if (known !== null && known.epoch > fence.epoch) return { type: "unclear", reason: "it knows a newer fence" };
  if (serving && known?.id === fence.id) return { type: "serves", reason: "it answers that it serves" };
  if (serving) return { type: "unclear", reason: "it serves under another fence" };
  if (takingOver || role === "taking-over") return { type: "unclear", reason: "it is taking over" };
  return { type: "idle", reason: `it answers that it does not serve: ${role}` };
}

function conclude(
  { fence, stillMs }: Judgement & { type: "ask" },
  { type, reason }: Reading,
  { standstill, nowMs }: Witness,
  rules: VoteRules,
): Judgement & { type: "answer" } {
  const told = `${fence.owner}: ${reason}`;
  switch (type) {
    case "serves":
      return alive(told, stillMs);
    case "idle":
      return down(told, stillMs);
    case "unclear":
      return unsure(told, stillMs);
    case "gone":
      // A process that writes lives, whoever cannot reach it.
      if (seen(standstill.mark, nowMs, rules.stillMs).type === "still") return down(told, stillMs);
      return alive(`the file of ${fence.owner} moves, though ${reason}`, stillMs);
  }
}

const tooShort = (what: string, { stillMs }: Seen, rules: VoteRules): string =>
  `it has watched ${what} stand still for ${Math.round(stillMs)} of ${rules.stillMs} ms`;

/** What others said may be long; a message's text may not. */
const LONGEST_REASON = 500;

type Answered = Judgement & { readonly type: "answer" };
const answer = (verdict: VoteAnswer["verdict"], reason: string, stillMs: number): Answered => ({
  type: "answer",
  answer: { verdict, reason: reason.slice(0, LONGEST_REASON), stillMs },
});
const down = (reason: string, stillMs: number): Answered => answer("down", reason, stillMs);
const alive = (reason: string, stillMs: number): Answered => answer("alive", reason, stillMs);
const unsure = (reason: string, stillMs = 0): Answered => answer("unsure", reason, stillMs);
