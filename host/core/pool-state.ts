/**
 * One pool on one host: what it knows, what can happen to it, what it can ask for. `pool-core.ts` steps it; the shell in
 * `host/pool.ts` performs the effects and reports each result with the `call` number that the effect carried. A result
 * whose call is no longer awaited is ignored: that is how any step may be abandoned.
 */
import type { HotspareError } from "../../shared/errors.ts";
import type { BootId, NodeId, OriginId, PoolId, RecordId, Sha256 } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { FenceRef, Phases, SealedRecord, TakeoverReason, Vote } from "../../shared/journal/record.ts";
import type { Slot } from "../../shared/position.ts";
import type { PutResult } from "../../shared/vault/vault.ts";
import type { Heir } from "./heir.ts";
import type { Publication } from "./publication.ts";
import type { Run, Step, Survey } from "./survey.ts";

/** What a pool goes by; the first four never change while the host runs. */
export interface Settings {
  readonly pool: PoolId;
  readonly self: NodeId;
  readonly bootId: BootId;
  /** Ids of the application's schema entries, for the fence. */
  readonly schema: readonly string[];
  /** Whether this host is the one that begins a pool without a fence. */
  readonly firstPreferred: boolean;
  /** Whether proxies could order another candidate, so that a host that keeps crashing need not win every time. */
  readonly orderable: boolean;
  readonly takeoverTimeoutMs: number;
  readonly surveyIntervalMs: number;
  readonly rejoin: "auto" | "manual";
}

/** Those that the configuration may change. */
export type Tuning = Pick<Settings, "firstPreferred" | "orderable" | "takeoverTimeoutMs" | "rejoin">;

export interface PoolState {
  readonly settings: Settings;
  readonly phase: Phase;
  /** What the store holds: moved only by `applied`, `restored` and `committed`. */
  readonly applied: Head | null;
  /** The newest fence seen on the chain, applied or not; what a refusal tells. */
  readonly newestFence: FenceRef | null;
  /** How the tenure of the newest fence went, where it was this host's. */
  readonly lastTenure: Tenure | null;
  /** The last fence that was found void here, the own one or another's: for the receipt, nothing rests on it. */
  readonly voidFence: FenceRef | null;
  /** A fence that was read and is not applied before a listing made after that. */
  readonly seenFence: Sha256 | null;
  /** Where applying failed once: failing there again means that nobody can pass that record. */
  readonly failedSlot: Slot | null;
  /** Why this host cannot take over, from outside the protocol (an application that knows fewer schema entries). */
  readonly unfit: string | null;
  readonly alarm: Alarm | null;
  /** Why an operator took this host out, as far as it has read; it then never fences. */
  readonly offline: string | null;
  /** Whom the release that was seen last names, and whose tenure it ended. */
  readonly heir: Heir | null;
  /** Until then it leaves its pool to the one to whom it handed it over. */
  readonly yieldsUntilMs: number | null;
  /** The own fence whose loss somebody has looked at: this host need not wait because of it any more. */
  readonly enrolled: RecordId | null;
  /** When it last knew itself at the head of the journal. */
  readonly atHeadMs: number | null;
  /** The moment up to which nothing is missing here; a busy journal is followed closely, and never found at rest. */
  readonly freshMs: number | null;
  readonly calls: number;
}

export interface Tenure {
  readonly fence: RecordId;
  readonly reason: TakeoverReason;
  /** It lasted long enough not to be part of a crash loop. */
  readonly stable: boolean;
}

export interface Alarm {
  readonly code:
    | "HS_RECORD_MISSING"
    | "HS_POOL_STUCK"
    | "HS_STORE_DIVERGED"
    | "HS_VAULT_BEHIND"
    | "HS_CHECKPOINT_INVALID"
    | "HS_VAULT_IO";
  readonly slot: Slot;
  readonly reason: string;
}

export type Phase =
  | { readonly type: "standby"; readonly activity: Activity; readonly waitsForOrderUntilMs: number | null }
  /** `atLeast`: the image must reach that slot. */
  | { readonly type: "restoring"; readonly call: number; readonly atLeast: Slot | null }
  | { readonly type: "taking-over"; readonly takeover: Takeover; readonly stage: TakeoverStage }
  | { readonly type: "primary"; readonly primary: Primary }
  /** Deposed or stepped down. `sick`: this process may never serve again. */
  | { readonly type: "fenced"; readonly reason: string; readonly sick: boolean }
  | { readonly type: "offline" };

export type Activity =
  | { readonly type: "idle"; readonly untilMs: number; readonly tries: number }
  | { readonly type: "surveying"; readonly call: number; readonly tries: number }
  | { readonly type: "reading"; readonly call: number; readonly survey: Listed; readonly tries: number }
  /** `fullAtMs`: when that is applied, nothing is missing of what was listed then; `null`: more was listed. */
  | { readonly type: "applying"; readonly call: number; readonly fullAtMs: number | null };

/** A listing, and when it was there. */
export type Listed = Survey & { readonly atMs: number };

/** What somebody, or this host itself, wants. */
export interface Order {
  readonly reason: TakeoverReason;
  /** Id of the fence to depose; `null` where there is none yet. */
  readonly fence: RecordId | null;
  readonly orderedBy: NodeId | null;
  readonly cause: string;
  readonly votes: readonly Vote[];
  /** What whoever orders took before, for the receipt. */
  readonly phases?: Phases;
  /** Chance for this takeover: the fence's id is derived from it, and a new pool's origin. */
  readonly seed: RecordId;
  readonly origin: OriginId;
  /** Wall clock, for people. */
  readonly wallMs: number;
}

export interface Takeover {
  readonly order: Order;
  /** Who waits for the outcome. */
  readonly tickets: readonly number[];
  /** Where the chain has been verified to, ahead of what is applied. */
  readonly verified: Head | null;
  readonly timings: Timings;
}

/** Monotonic milliseconds at which each phase of a takeover was reached. */
export interface Timings {
  readonly beganMs: number;
  readonly verifiedMs?: number;
  readonly fencedMs?: number;
  readonly confirmedMs?: number;
  readonly appliedMs?: number;
  readonly servingMs?: number;
}

export type TakeoverStage =
  /** As a standby it had begun to apply: the store must stand still before anything else. */
  | { readonly type: "settling"; readonly call: number }
  | { readonly type: "surveying"; readonly call: number }
  | { readonly type: "reading"; readonly call: number; readonly survey: Survey; readonly from: Slot }
  | { readonly type: "fencing"; readonly call: number; readonly publication: Publication }
  | { readonly type: "confirming"; readonly call: number | null; readonly untilMs: number; readonly fence: Head }
  /** Something has the slot after the own fence: is it a successor or a relic? */
  | { readonly type: "examining"; readonly call: number; readonly fence: Head }
  | { readonly type: "catching-up"; readonly call: number | null; readonly untilMs: number; readonly fence: Head }
  | { readonly type: "applying"; readonly call: number; readonly fence: Head };

export interface Primary {
  /** The own fence, by which this tenure is. */
  readonly fence: FenceRef;
  readonly stage: "opening" | "serving" | "resigning";
  readonly call: number | null;
  readonly tickets: readonly number[];
  readonly timings: Timings;
  /** The last published record. */
  readonly head: Head;
  readonly publication: Publication | null;
  readonly publicationCall: number | null;
  /** The head that the publication in flight leads to. */
  readonly nextHead: Head | null;
  /** Another's record has its slot; a fresh listing is to say what that means. */
  readonly takenBy: SealedRecord | null;
  /** Published, and not yet in the store. */
  readonly uncommitted: boolean;
  /** While resigning: why. */
  readonly endsBecause: string | null;
  /** While resigning: whom the release names. */
  readonly successor: NodeId | null;
  readonly watch: Watch;
}

/** How an idle primary looks whether it still is one. */
export interface Watch {
  /** What is asked for now; `null`: nothing, until `untilMs`. */
  readonly call: number | null;
  readonly untilMs: number;
  /** The own last record when it was listed, or the one that the listing before did not show. */
  readonly from: Slot;
  /** Listings in a row that did not show it. */
  readonly misses: number;
  /** Whose record is being read: the successor's, or the own fence, which nobody ever deletes. */
  readonly reads: "next" | "fence";
}

export type PoolEvent =
  | ({ readonly type: "started"; readonly seed: Seed } & Pick<PoolState, "applied" | "lastTenure" | "heir">)
  | { readonly type: "tick"; readonly seed: Seed }
  /** There may be something new in the journal. */
  | { readonly type: "hint" }
  | { readonly type: "ordered"; readonly ticket: number; readonly order: Order }
  | { readonly type: "surveyed"; readonly call: number; readonly survey: Survey | null; readonly reason: string }
  | { readonly type: "read"; readonly call: number; readonly run: Run }
  | { readonly type: "synced"; readonly call: number; readonly error: HotspareError | null }
  | { readonly type: "put"; readonly call: number; readonly result: PutResult }
  | { readonly type: "applied"; readonly call: number; readonly head: Head | null; readonly failure: string | null }
  | { readonly type: "restored"; readonly call: number; readonly result: Restored }
  /** The write connection is open and the application's schema is there. */
  | { readonly type: "opened"; readonly call: number; readonly error: string | null; readonly seed: Seed }
  /** The shell has executed a batch: publish it. Only while nothing is in flight. */
  | { readonly type: "publish"; readonly sealed: SealedRecord }
  /** The published batch is in the store. */
  | { readonly type: "committed" }
  /** A primary steps back of its own will. */
  | { readonly type: "resign"; readonly sealed: SealedRecord; readonly reason: string }
  /** The own state was found wrong at that slot. */
  | { readonly type: "diverged"; readonly slot: Slot; readonly reason: string }
  | { readonly type: "configured"; readonly tuning: Tuning }
  | { readonly type: "fitness"; readonly unfit: string | null }
  | { readonly type: "enrol" }
  /** An operator took this host out (why), or (`null`) brought it back. */
  | { readonly type: "decided"; readonly offline: string | null };

/** Chance for whatever the step may have to begin. */
export interface Seed {
  readonly id: RecordId;
  readonly origin: OriginId;
  readonly wallMs: number;
}

export type Restored =
  | { readonly type: "restored"; readonly head: Head }
  /** There is no valid checkpoint that would do. `head`: what the copy holds now, which is nothing if it was set aside. */
  | { readonly type: "none"; readonly head: Head | null; readonly reason: string }
  | { readonly type: "failed"; readonly code: "HS_CHECKPOINT_INVALID" | "HS_VAULT_IO"; readonly reason: string };

export type Effect =
  /** List records from `from` on, then checkpoints; sync the folders of the records. */
  | { readonly type: "survey"; readonly call: number; readonly from: Slot }
  /** Read records `from` to `to`, in order, until one is not there as it should be. */
  | { readonly type: "read"; readonly call: number; readonly from: Slot; readonly to: Slot }
  /** Sync the folder of that slot through a fresh descriptor. */
  | { readonly type: "sync"; readonly call: number; readonly slot: Slot }
  | { readonly type: "put"; readonly call: number; readonly sealed: SealedRecord }
  /** Apply in order, each all or nothing; stop at the first that fails. */
  | { readonly type: "apply"; readonly call: number; readonly steps: readonly Step[] }
  /** Install the newest valid checkpoint, at least at `atLeast`; `aside`: the own copy is wrong, keep it aside. */
  | { readonly type: "restore"; readonly call: number; readonly atLeast: Slot | null; readonly aside: string | null }
  /** Open for writing; run what the application's schema lacks. */
  | { readonly type: "open"; readonly call: number }
  /** The batch in flight is published: commit it with this head, then answer. */
  | { readonly type: "commit"; readonly head: Head }
  /** The batch in flight is void or in doubt: roll back and answer accordingly. */
  | { readonly type: "discard"; readonly outcome: Discarded }
  | { readonly type: "answer-order"; readonly ticket: number; readonly answer: OrderAnswer };

export type Discarded =
  /** Certainly not in history; the host is deposed. */
  | { readonly type: "deposed" }
  /** Certainly not in history; the host goes on. */
  | { readonly type: "refused"; readonly error: HotspareError }
  /** It may be in history. */
  | { readonly type: "unknown" };

export interface OrderAnswer {
  readonly outcome: "serving" | "refused";
  readonly reason: string;
  readonly fence: FenceRef | null;
  readonly timings: Timings | null;
}

export interface PoolStep {
  readonly state: PoolState;
  readonly effects: readonly Effect[];
}
