/**
 * Wrong variants: the protocol with one rule changed, in the scope that shows why the rule is there. `breaks` is the
 * invariant that fails first; a test holds it, and the length of the shortest trace in docs/model.md, to be true.
 */
import type { Invariant } from "./invariants.ts";
import type { Rules } from "./rules.ts";
import type { ScopeName } from "./scopes.ts";
import type { Budget } from "./world.ts";

export interface Variant {
  readonly scope: ScopeName;
  readonly rules: Partial<Rules>;
  readonly breaks: Invariant;
  /** More of what may happen than the scope has. */
  readonly budget?: Partial<Budget>;
}

export const VARIANTS = {
  // --- Publishing
  "acknowledge before the put": { scope: "commit", rules: { acknowledge: "before the put" }, breaks: "acknowledged" },
  "an unknown outcome counts as created": { scope: "commit", rules: { unknown: "created" }, breaks: "acknowledged" },
  "an unknown outcome counts as refused": { scope: "commit", rules: { unknown: "refused" }, breaks: "not applied" },
  "an unknown outcome is tried again in the next slot": {
    scope: "commit",
    rules: { unknown: "not created: the next slot" },
    breaks: "once",
  },
  "a name that exists counts as created": { scope: "commit", rules: { exists: "created" }, breaks: "one tenure" },
  "a name that exists counts as another's": { scope: "commit", rules: { exists: "another's" }, breaks: "not applied" },
  "own is what has the own name as owner": { scope: "restart", rules: { own: "the same owner" }, breaks: "chain" },
  "two batches in flight": { scope: "commit", rules: { inFlight: "two" }, breaks: "no hole" },
  "a repeated write is not looked up": { scope: "commit", rules: { keys: "forgotten" }, breaks: "once" },
  "standbys apply what is on its way": { scope: "commit", rules: { applies: "what is on its way" }, breaks: "prefix" },
  "a restart resumes its epoch": {
    scope: "restart",
    rules: { restart: "resumes its epoch" },
    breaks: "fresh reads",
  },
  "the successor that a release names serves at once": {
    scope: "following",
    rules: { release: "its successor serves at once" },
    breaks: "one tenure",
  },
  "deposed means not applied": { scope: "deposition", rules: { deposed: "say not applied" }, breaks: "not applied" },

  // --- Power cuts
  "created before the folder is synced": { scope: "power", rules: { createdIs: "linked" }, breaks: "acknowledged" },
  "what is read back is believed without a sync": {
    scope: "power",
    rules: { readBackIs: "believed" },
    breaks: "acknowledged",
  },
  "a listing is believed without a sync": { scope: "power", rules: { syncsListing: "no" }, breaks: "prefix" },

  // --- Cleaning and taking over
  "a fence is not confirmed": { scope: "cleaning", rules: { confirms: "nothing" }, breaks: "one tenure" },
  "a fence is confirmed by a predecessor that exists": {
    scope: "cleaning",
    rules: { confirms: "predecessor exists" },
    breaks: "one tenure",
  },
  "a fence is confirmed by the hash of its predecessor": {
    scope: "cleaning",
    rules: { confirms: "predecessor is right" },
    breaks: "one tenure",
  },
  "a fence is confirmed by being the newest that is listed": {
    scope: "cleaning",
    rules: { confirms: "newest fence that is listed" },
    breaks: "one tenure",
  },
  "cleaning does not wait": { scope: "cleaning", rules: { cleanWaits: "not" }, breaks: "one tenure" },
  "cleaning deletes fences": { scope: "sleeper", rules: { cleans: "fences too" }, breaks: "acknowledged" },
  "cleaning goes up to the newest checkpoint": {
    scope: "checkpoints",
    rules: { cleanBelow: "the newest checkpoint" },
    breaks: "recoverable",
  },
  "cleaning goes up to the head": { scope: "checkpoints", rules: { cleanBelow: "the head" }, breaks: "recoverable" },
  "a fence is always applied": { scope: "late standby", rules: { fenceApplies: "always" }, breaks: "prefix" },
  "a fence is proven by an older listing": {
    scope: "late standby",
    rules: { fenceApplies: "listed, then read" },
    breaks: "prefix",
  },
  "checkpoints are listed first": {
    scope: "late standby",
    rules: { lists: "checkpoints first" },
    breaks: "no false alarm",
  },

  // --- Reading
  "no proof": { scope: "reads by check", rules: { proof: "none" }, breaks: "fresh reads" },
  "a check of the slot after the head": {
    scope: "reads by check",
    rules: { proof: "check of the slot after the head" },
    breaks: "fresh reads",
  },
  "a check on a share that shows old absences": {
    scope: "reads by check",
    rules: { absence: "stale" },
    breaks: "fresh reads",
  },
  "a reader joins a check that runs": {
    scope: "reads by check",
    rules: { proof: "check before the reader came" },
    breaks: "fresh reads",
  },
  "the batch under way counts as a barrier": {
    scope: "reads by barrier",
    rules: { proof: "barrier with the batch under way" },
    breaks: "fresh reads",
  },
  "a lease that the next primary does not wait for": {
    scope: "reads by lease",
    rules: { leaseEnds: "whenever" },
    breaks: "fresh reads",
  },
} as const satisfies Readonly<Record<string, Variant>>;

export type VariantName = keyof typeof VARIANTS;

/** Not mistakes: what the protocol as it is does not stand. `docs/model.md` says what follows from them. */
export const LIMITS = {
  "two power cuts while a standby reads what it listed": {
    scope: "power",
    rules: {},
    budget: { powerCuts: 2 },
    breaks: "prefix",
  },
  "two power cuts and two lost replies of one put": {
    scope: "power",
    rules: {},
    budget: { powerCuts: 2, losses: 2 },
    breaks: "acknowledged",
  },
} as const satisfies Readonly<Record<string, Variant>>;

export type LimitName = keyof typeof LIMITS;
