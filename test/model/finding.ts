/** Runs of the models: what is safe, what breaks, and how. */
import {
  appendModel,
  APPEND_VARIANTS,
  RIGHT_APPEND,
  type AppendVariant,
  type AppendVariantName,
} from "./append-journal.ts";
import { explore, type Exploration } from "./checker.ts";
import type { Invariant } from "./invariants.ts";
import { LARGE_SCOPES, type LargeScopeName } from "./large-scopes.ts";
import { protocolModel } from "./protocol.ts";
import { planScope, type ScopePlan } from "./scope.ts";
import { SCOPES, type ScopeName } from "./scopes.ts";
import { LIMITS, VARIANTS, type LimitName, type Variant, type VariantName } from "./variants.ts";

export type Finding = Exploration<Invariant>;

/** More states than this are a mistake in a scope: nobody would wait for them. */
const SMALL_BOUND = 100_000;
const LARGE_BOUND = 1_500_000;

/** The right protocol, all invariants. */
export const exploreScope = (name: ScopeName): Finding => explore(protocolModel(planScope(SCOPES[name])), SMALL_BOUND);

export const exploreLargeScope = (name: LargeScopeName): Finding =>
  explore(protocolModel(planScope(LARGE_SCOPES[name])), LARGE_BOUND);

/** The right protocol of the design that was not chosen. */
export const exploreAppend = (): Finding => explore(appendModel(RIGHT_APPEND), SMALL_BOUND);

export const exploreVariant = (name: VariantName): Finding => exploreWrong(VARIANTS[name]);

/** The right protocol under more than it can stand. */
export const exploreLimit = (name: LimitName): Finding => exploreWrong(LIMITS[name]);

/** Only the invariant that it is about is looked at: others may break sooner, and say less. */
function exploreWrong({ scope, rules, breaks, budget }: Variant): Finding {
  const plan: ScopePlan = SCOPES[scope];
  const given = { ...plan, budget: { ...plan.budget, ...budget } };
  return explore(protocolModel(planScope(given, rules), breaks), SMALL_BOUND);
}

export function exploreAppendVariant(name: AppendVariantName): Finding {
  const { rules, breaks }: AppendVariant = APPEND_VARIANTS[name];
  const model = appendModel({ ...RIGHT_APPEND, ...rules });
  return explore({ ...model, judge: (state) => (model.judge(state) === breaks ? breaks : null) }, SMALL_BOUND);
}
