/**
 * `node test/model/main.ts`: runs the model and says what it found. Ends with code 1 if the right protocol breaks an
 * invariant, or a wrong variant breaks none; with 64 if it does not know what is asked.
 */
import { parseArgs } from "node:util";
import { APPEND_VARIANTS } from "./append-journal.ts";
import {
  exploreAppend,
  exploreAppendVariant,
  exploreLargeScope,
  exploreLimit,
  exploreScope,
  exploreVariant,
  type Finding,
} from "./finding.ts";
import { INVARIANTS } from "./invariants.ts";
import { LARGE_SCOPES } from "./large-scopes.ts";
import { SCOPES } from "./scopes.ts";
import {
  APPEND_NAMES,
  appendRows,
  invariantRows,
  LIMIT_NAMES,
  limitRows,
  namesOf,
  numbered,
  SCOPE_NAMES,
  scopeRows,
  VARIANT_NAMES,
  variantRows,
} from "./table.ts";
import { LIMITS, VARIANTS } from "./variants.ts";

const HELP = `Usage: node test/model/main.ts [options]

Goes through all states of small models of the protocol.

  --bounds small|large   how far: seconds (default), or a minute or two
  --scope <name>         only this scope of the right protocol
  --variant <name>       a wrong variant: its shortest trace, step by step
  --list                 the names of scopes and variants
  --tables               the tables of docs/model.md
  --help                 this

Example: node test/model/main.ts --variant "cleaning does not wait"
`;
const EX_USAGE = 64;

const values = readOptions();
process.exitCode = run();

function readOptions() {
  try {
    return parseArgs({
      options: {
        bounds: { type: "string", default: "small" },
        scope: { type: "string" },
        variant: { type: "string" },
        list: { type: "boolean", default: false },
        tables: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    process.exit(EX_USAGE);
  }
}

function run(): number {
  if (values.help) return say(HELP);
  if (values.list) return say(`${lists()}\n`);
  if (values.tables) return say(`${tables()}\n`);
  if (values.variant !== undefined) return runVariant(values.variant);
  if (values.bounds === "large") return runScopes(namesOf(LARGE_SCOPES), exploreLargeScope);
  if (values.bounds !== "small") return refuse(`no such bounds: ${values.bounds}`);
  const append = values.scope === undefined || values.scope === "append" ? report("append", exploreAppend) : 0;
  return values.scope === "append" ? append : Math.max(append, runScopes(SCOPE_NAMES, exploreScope));
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(text: string): number {
  process.stderr.write(`${text}; --list shows all names\n`);
  return EX_USAGE;
}

function lists(): string {
  const scopes = SCOPE_NAMES.map((name) => `  ${name}: ${SCOPES[name].about}`);
  const variants = VARIANT_NAMES.map((name) => `  ${name} (${VARIANTS[name].scope})`);
  const limits = LIMIT_NAMES.map((name) => `  ${name} (${LIMITS[name].scope})`);
  const append = APPEND_NAMES.map((name) => `  ${name} (append)`);
  return ["scopes:", ...scopes, "", "variants:", ...variants, ...append, "", "limits:", ...limits].join("\n");
}

function tables(): string {
  const all = [invariantRows(), scopeRows(), variantRows(), appendRows(), limitRows()];
  return all.map((rows) => rows.join("\n")).join("\n\n");
}

function runScopes<Name extends string>(names: readonly Name[], explore: (name: Name) => Finding): number {
  const chosen = names.filter((name) => values.scope === undefined || name === values.scope);
  if (chosen.length === 0) return refuse(`no such scope: ${values.scope}`);
  return Math.max(...chosen.map((name) => report(name, () => explore(name))));
}

function report(name: string, explore: () => Finding): number {
  const beganMs = performance.now();
  const { states, depth, violation, trace, missed } = explore();
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  const verdict = violation === null ? "safe" : `breaks: ${violation}`;
  say(`${name}: ${verdict}; ${states} states, depth ${depth}, ${seconds} s\n`);
  if (violation !== null) say(`${numbered(trace).join("\n")}\n`);
  if (missed.length > 0) say(`never met: ${missed.join(", ")}\n`);
  return violation === null && missed.length === 0 ? 0 : 1;
}

function runVariant(asked: string): number {
  const variant = VARIANT_NAMES.find((name) => name === asked);
  if (variant) return show(exploreVariant(variant), VARIANTS[variant].rules);
  const append = APPEND_NAMES.find((name) => name === asked);
  if (append) return show(exploreAppendVariant(append), APPEND_VARIANTS[append].rules);
  const limit = LIMIT_NAMES.find((name) => name === asked);
  return limit ? show(exploreLimit(limit), LIMITS[limit].budget) : refuse(`no such variant: ${asked}`);
}

function show({ violation, trace, states }: Finding, change: object): number {
  say(`changed: ${JSON.stringify(change)}\n`);
  if (violation === null) {
    say(`breaks nothing in ${states} states\n`);
    return 1;
  }
  say(`breaks: ${violation}: ${INVARIANTS[violation]}\n${numbered(trace).join("\n")}\n`);
  return 0;
}
