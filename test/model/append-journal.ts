/**
 * A design that was not chosen, in a model of its own: one file per epoch to which the primary appends, and a claim, made
 * by create if absent, by which a taker ends the epoch. It shows what slots are free of: it is right only if the claim is
 * looked for after each append, on a share that never shows an old absence, and if everybody who reads along does so too.
 */
import type { Model, Step } from "./checker.ts";
import type { Invariant } from "./invariants.ts";

export interface AppendRules {
  readonly checks: "after the append" | "before the append";
  /** Whether a claim that is there may look absent. */
  readonly absence: "true" | "stale";
  readonly takes: "claims, then reads" | "reads, then claims";
  /** What another standby does that reads along. */
  readonly standby: "reads, then looks for a claim" | "looks for a claim, then reads" | "reads on";
}

export const RIGHT_APPEND: AppendRules = {
  checks: "after the append",
  absence: "true",
  takes: "claims, then reads",
  standby: "reads, then looks for a claim",
};

interface Journal {
  readonly left: number;
  readonly appended: number;
  readonly acknowledged: number;
  readonly primary: "idle" | "has checked" | "has appended" | "fenced";
  readonly claimed: boolean;
  /** Records that the taker read; they and no more are the old epoch. */
  readonly read: number | null;
  readonly serving: boolean;
  readonly applied: number;
  readonly standby: "idle" | "has looked" | "has read";
}

const START: Journal = {
  left: 3,
  appended: 0,
  acknowledged: 0,
  primary: "idle",
  claimed: false,
  read: null,
  serving: false,
  applied: 0,
  standby: "idle",
};

export const appendModel = (rules: AppendRules): Model<Journal, Invariant> => ({
  initial: START,
  next: (state) => [...primarySteps(state, rules), ...takerSteps(state, rules), ...standbySteps(state, rules)],
  encode: (state) => JSON.stringify(state),
  judge,
  situations: new Map<string, (step: Step<Journal>) => boolean>([
    ["a taker that serves", ({ state }) => state.serving],
    ["an append after the taker read", ({ state }) => state.serving && state.appended > (state.read ?? 0)],
    ["a primary that finds the claim", ({ state }) => state.primary === "fenced"],
    ["a standby that applies", ({ state }) => state.applied > 0],
  ]),
});

function judge({ serving, read, acknowledged, applied }: Journal): Invariant | null {
  if (!serving || read === null) return null;
  if (acknowledged > read) return "acknowledged";
  return applied > read ? "prefix" : null;
}

const step = (state: Journal, label: string, change: Partial<Journal>): Step<Journal> => ({
  label,
  state: { ...state, ...change },
});

/** What looking for the claim may show. */
const looks = ({ claimed }: Journal, { absence }: AppendRules): readonly boolean[] =>
  claimed && absence === "stale" ? [true, false] : [claimed];

function primarySteps(state: Journal, rules: AppendRules): readonly Step<Journal>[] {
  const { primary, left, appended } = state;
  const append = step(state, `the primary appends record ${appended + 1}`, {
    left: left - 1,
    appended: appended + 1,
    primary: "has appended",
  });
  switch (primary) {
    case "fenced":
      return [];
    case "idle":
      if (left === 0) return [];
      return rules.checks === "after the append" ? [append] : check(state, rules, "has checked", {});
    case "has checked":
      return [append];
    case "has appended":
      return rules.checks === "after the append"
        ? check(state, rules, "idle", { acknowledged: appended })
        : [step(state, `the primary acknowledges record ${appended}`, { primary: "idle", acknowledged: appended })];
  }
}

function check(
  state: Journal,
  rules: AppendRules,
  passed: Journal["primary"],
  change: Partial<Journal>,
): readonly Step<Journal>[] {
  const also = change.acknowledged === undefined ? "" : `, and acknowledges record ${change.acknowledged}`;
  return looks(state, rules).map((found) =>
    found
      ? step(state, "the primary finds the claim", { primary: "fenced" })
      : step(state, `the primary finds no claim${also}`, { ...change, primary: passed }),
  );
}

function takerSteps(state: Journal, { takes }: AppendRules): readonly Step<Journal>[] {
  const { claimed, read, appended, serving } = state;
  if (serving) return [];
  const claim = step(state, "the taker claims the epoch", { claimed: true });
  const readAll = step(state, `the taker reads to the end: ${appended} records`, { read: appended });
  if (claimed && read !== null) return [step(state, "the taker serves", { serving: true })];
  if (takes === "claims, then reads") return claimed ? [readAll] : [claim];
  return read === null ? [readAll] : [claim];
}

function standbySteps(state: Journal, rules: AppendRules): readonly Step<Journal>[] {
  const { standby, applied, appended, serving, read } = state;
  const next = applied + 1;
  const apply = step(state, `the standby applies record ${next}`, { standby: "idle", applied: next });
  const sealed = serving && next > (read ?? 0);
  switch (rules.standby) {
    case "reads on":
      return appended > applied ? [apply] : [];
    case "looks for a claim, then reads":
      if (standby === "idle")
        return lookSteps(state, rules, step(state, "the standby finds no claim", { standby: "has looked" }));
      return appended > applied ? [apply] : [];
    case "reads, then looks for a claim":
      if (standby === "has read") return lookSteps(state, rules, apply);
      if (appended <= applied || sealed) return [];
      return [step(state, `the standby reads record ${next}`, { standby: "has read" })];
  }
}

/** With a claim, it applies only what the taker says that it has read. */
function lookSteps(state: Journal, rules: AppendRules, passed: Step<Journal>): readonly Step<Journal>[] {
  const within = state.serving && state.applied < (state.read ?? 0);
  const waits = step(state, "the standby finds the claim, and waits for the taker", { standby: "idle" });
  return looks(state, rules).map((found) => (found && !within ? waits : passed));
}

export interface AppendVariant {
  readonly rules: Partial<AppendRules>;
  readonly breaks: Invariant;
}

export const APPEND_VARIANTS = {
  "the claim is looked for before the append only": { rules: { checks: "before the append" }, breaks: "acknowledged" },
  "the claim may look absent": { rules: { absence: "stale" }, breaks: "acknowledged" },
  "the taker reads, then claims": { rules: { takes: "reads, then claims" }, breaks: "acknowledged" },
  "a standby reads on": { rules: { standby: "reads on" }, breaks: "prefix" },
  "a standby looks for a claim, then reads": { rules: { standby: "looks for a claim, then reads" }, breaks: "prefix" },
} as const satisfies Readonly<Record<string, AppendVariant>>;

export type AppendVariantName = keyof typeof APPEND_VARIANTS;
