/**
 * What one run covers. All features at once would be too many states, so each scope turns on those that belong together,
 * and is exhaustive in its bounds.
 */
import { makeBatch, makeFence, type JournalRecord, type NodeName } from "./journal-record.ts";
import { RIGHT, type Rules } from "./rules.ts";
import type { Situation } from "./situations.ts";
import { NO_SLOTS, plus } from "./slot-set.ts";
import { primary } from "./taking-over.ts";
import { STANDBY, type Budget, type Features, type Node, type Vault, type World } from "./world.ts";

export interface Scope {
  readonly features: Features;
  readonly initial: World;
}

/** A scope before its rules and its size are chosen. */
export interface ScopePlan {
  readonly about: string;
  readonly features: Omit<Features, "rules">;
  /** Slots of history when it begins: A's fence, and then A's batches with writes 1, 2, … */
  readonly begun: number;
  readonly checkpoints: readonly number[];
  /** What B and C have applied when it begins. */
  readonly behind: number;
  readonly budget: Budget;
  readonly meets: readonly Situation[];
  readonly rules?: Partial<Rules>;
}

const AUTHOR = { name: "A", life: 1, attempts: 1 } as const;

export function planScope(plan: ScopePlan, rules: Partial<Rules> = {}): Scope {
  const features: Features = { ...plan.features, rules: { ...RIGHT, ...plan.rules, ...rules } };
  return { features, initial: beginning(plan, features) };
}

function beginning(plan: ScopePlan, { slots, rules }: Features): World {
  const chain = begunChain(plan.begun);
  const fence = chain[0]!;
  const standby = (name: NodeName): Node => ({
    name,
    life: 1,
    attempts: 0,
    applied: chain[plan.behind - 1]!,
    seen: null,
    deleting: null,
    stage: STANDBY,
  });
  const first: Node = { ...standby("A"), attempts: 1, applied: chain.at(-1)!, stage: primary(fence, rules.proof === "lease") };
  const history = Array.from({ length: slots }, (_, index) => chain[index] ?? null);
  return {
    nodes: [first, standby("B"), standby("C")],
    vault: fullVault(history, plan.checkpoints),
    observer: {
      history,
      acknowledged: chain.filter(({ write }) => write !== 0),
      refused: [],
      staleRead: false,
      reads: 0,
      cleaned: false,
    },
    budget: plan.budget,
  };
}

function begunChain(length: number): readonly JournalRecord[] {
  const chain = [makeFence(AUTHOR, null)];
  while (chain.length < length) chain.push(makeBatch(AUTHOR, chain.at(-1)!, chain.length));
  return chain;
}

function fullVault(records: readonly (JournalRecord | null)[], published: readonly number[]): Vault {
  const eraNames = records.reduce((set, record) => (record ? plus(set, record.slot) : set), NO_SLOTS);
  const checkpoints = published.reduce(plus, NO_SLOTS);
  return { records, unsynced: NO_SLOTS, checkpoints, eraNames, eraCheckpoints: checkpoints, late: [] };
}
