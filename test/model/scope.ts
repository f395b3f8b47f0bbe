/**
 * What one run covers. All features at once would be too many states, so each scope turns on those that belong together,
 * and is exhaustive in its bounds.
 */
import { makeBatch, makeFence, type JournalRecord, type NodeName } from "./journal-record.ts";
import { RIGHT, type Rules } from "./rules.ts";
import type { Situation } from "./situations.ts";
import { put } from "./publishing.ts";
import { NO_SLOTS, plus, type SlotSet } from "./slot-set.ts";
import {
  primary,
  STANDBY,
  type Budget,
  type Features,
  type Node,
  type Primary,
  type Vault,
  type World,
} from "./world.ts";

export interface Scope {
  readonly features: Features;
  readonly initial: World;
  readonly meets: readonly Situation[];
}

/** A scope before its rules are chosen. */
export interface ScopePlan {
  readonly about: string;
  readonly features: Omit<Features, "rules">;
  readonly begin: Beginning;
  readonly budget: Budget;
  readonly meets: readonly Situation[];
  readonly rules?: Partial<Rules>;
}

/** How far things have come when the scope begins. */
export interface Beginning {
  /** History, by slot: who fenced, or whose batch with which write. Its last owner serves. */
  readonly history: readonly (`${NodeName} fences` | `${NodeName} writes ${number}`)[];
  readonly checkpoints: readonly number[];
  /** Listings may be as old as the moment when this was the last slot. `null`: they are not old. */
  readonly eraSlot: number | null;
  /** What the others have applied. */
  readonly behind: Readonly<Record<NodeName, number>>;
  /** Still believes to be primary, and is about to try its last batch again, since it heard no reply. */
  readonly sleeper: NodeName | null;
}

export function planScope(plan: ScopePlan, rules: Partial<Rules> = {}): Scope {
  const features: Features = { ...plan.features, rules: { ...RIGHT, ...plan.rules, ...rules } };
  return { features, initial: beginning(plan, features), meets: plan.meets };
}

function beginning({ begin, budget }: ScopePlan, { slots, rules }: Features): World {
  const chain = chainOf(begin);
  const history = Array.from({ length: slots }, (_, index) => chain[index] ?? null);
  const lost = chain.findLast(({ owner, kind }) => owner === begin.sleeper && kind === "batch");
  return {
    nodes: (["A", "B", "C"] as const).map((name) => nodeAt(name, chain, begin, rules)),
    vault: vaultAt(history, begin),
    observer: {
      history,
      acknowledged: chain.filter((record) => record.write !== 0 && record !== lost),
      refused: [],
      staleRead: false,
      falseAlarm: false,
      reads: 0,
      cleaned: false,
    },
    budget,
  };
}

function chainOf({ history }: Beginning): readonly JournalRecord[] {
  const chain: JournalRecord[] = [];
  for (const said of history) {
    const [name, verb, write] = said.split(" ") as [NodeName, "fences" | "writes", string];
    const author = { name, life: 1, attempts: 1 };
    const last = chain.at(-1) ?? null;
    chain.push(verb === "fences" ? makeFence(author, last) : makeBatch(author, last!, Number(write)));
  }
  return chain;
}

function nodeAt(name: NodeName, chain: readonly JournalRecord[], { behind, sleeper }: Beginning, rules: Rules): Node {
  const mine = chain.filter(({ owner }) => owner === name);
  const head = chain.at(-1)!;
  const fence = mine.find(({ kind }) => kind === "fence");
  const node = { name, life: 1, attempts: fence ? 1 : 0, seen: null, deleting: null };
  if (fence && name === sleeper) {
    const lost = mine.at(-1)!;
    const stage = { ...servingFrom(fence, rules), publications: [put(lost)] };
    return { ...node, applied: lost.previous, stage };
  }
  if (fence && head.owner === name) return { ...node, applied: head, stage: servingFrom(fence, rules) };
  return { ...node, applied: chain[behind[name] - 1] ?? null, stage: STANDBY };
}

const servingFrom = (fence: JournalRecord, { proof }: Rules): Primary => primary(fence, proof === "lease");

function vaultAt(records: readonly (JournalRecord | null)[], { checkpoints, eraSlot }: Beginning): Vault {
  const names = (upTo: number): SlotSet =>
    records.reduce((set, record) => (record && record.slot <= upTo ? plus(set, record.slot) : set), NO_SLOTS);
  const last = records.findLast((record) => record !== null)?.slot ?? 0;
  const first = eraSlot ?? last;
  const moments = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const published = checkpoints.reduce(plus, NO_SLOTS);
  return {
    records,
    unsynced: NO_SLOTS,
    checkpoints: published,
    eraNames: moments.map(names),
    eraCheckpoints: [...new Set(moments.map((upTo) => published & names(upTo)))],
    late: [],
  };
}
