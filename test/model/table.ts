/** The tables of docs/model.md, made from what the runs found, so that the page can be held to them. */
import { APPEND_VARIANTS, type AppendVariantName } from "./append-journal.ts";
import {
  exploreAppend,
  exploreAppendVariant,
  exploreLimit,
  exploreScope,
  exploreVariant,
  type Finding,
} from "./finding.ts";
import { INVARIANTS, type Invariant } from "./invariants.ts";
import { SCOPES, type ScopeName } from "./scopes.ts";
import { LIMITS, VARIANTS, type LimitName, type VariantName } from "./variants.ts";

export const namesOf = <Name extends string>(table: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(table) as Name[];

export const SCOPE_NAMES: readonly ScopeName[] = namesOf(SCOPES);
export const VARIANT_NAMES: readonly VariantName[] = namesOf(VARIANTS);
export const LIMIT_NAMES: readonly LimitName[] = namesOf(LIMITS);
export const APPEND_NAMES: readonly AppendVariantName[] = namesOf(APPEND_VARIANTS);

/** Runs are the same each time: each is made once in a process. */
function once<Name extends string>(run: (name: Name) => Finding): (name: Name) => Finding {
  const found = new Map<Name, Finding>();
  return (name) => {
    const finding = found.get(name) ?? run(name);
    found.set(name, finding);
    return finding;
  };
}

export const scopeFinding = once(exploreScope);
export const variantFinding = once(exploreVariant);
export const limitFinding = once(exploreLimit);
export const appendVariantFinding = once(exploreAppendVariant);
export const appendFinding = once<"append">(exploreAppend);

export const invariantRows = (): readonly string[] =>
  namesOf(INVARIANTS).map((name: Invariant) => `| ${name} | ${INVARIANTS[name]} |`);

export const scopeRows = (): readonly string[] =>
  SCOPE_NAMES.map((name) => {
    const { states, depth } = scopeFinding(name);
    return `| ${name} | ${SCOPES[name].about} | ${states} | ${depth} |`;
  });

const wrongRow = (name: string, scope: string, { violation, trace }: Finding): string =>
  `| ${name} | ${scope} | ${violation} | ${trace.length} |`;

export const variantRows = (): readonly string[] =>
  VARIANT_NAMES.map((name) => wrongRow(name, VARIANTS[name].scope, variantFinding(name)));

export const limitRows = (): readonly string[] =>
  LIMIT_NAMES.map((name) => wrongRow(name, LIMITS[name].scope, limitFinding(name)));

export const appendRows = (): readonly string[] =>
  APPEND_NAMES.map((name) => wrongRow(name, "append", appendVariantFinding(name)));

export const numbered = (trace: readonly string[]): readonly string[] =>
  trace.map((line, index) => `${String(index + 1).padStart(2)}. ${line}`);
