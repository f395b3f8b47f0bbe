/** Arbitrary histories of one register for property tests: good ones by construction, and ones of which nothing is known. */
import fc from "fast-check";
import type { RegisterCall, RegisterValue } from "./linearizability.ts";
import type { Outcome } from "./timed-call.ts";

export interface HistoryShape {
  readonly calls: number;
  readonly atLeast?: number;
  readonly cas: boolean;
}

interface Step {
  readonly kind: "read" | "write" | "cas" | "refused";
  readonly before: number;
  readonly after: number;
  readonly outcome: Outcome;
}

/** Each call takes effect at its own instant 10, 20, 30 …, and is seen to begin before and to end after it. */
export function goodHistory({ calls, atLeast = 0, cas }: HistoryShape): fc.Arbitrary<readonly RegisterCall[]> {
  const kinds = cas ? (["read", "write", "cas", "refused"] as const) : (["read", "write"] as const);
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(...kinds),
    before: fc.integer({ min: 0, max: 40 }),
    after: fc.integer({ min: 0, max: 40 }),
    outcome: fc.constantFrom<Outcome>("ok", "ok", "ok", "ok", "unknown", "fail"),
  });
  return fc.array(step, { minLength: atLeast, maxLength: calls, size: "max" }).map(perform);
}

function perform(steps: readonly Step[]): readonly RegisterCall[] {
  let value: RegisterValue = null;
  return steps.map((step, index): RegisterCall => {
    const atMs = index * 10;
    const times = {
      process: `p${index}`,
      key: "k",
      invokedMs: atMs - step.before,
      completedMs: step.outcome === "unknown" ? null : atMs + step.after,
      outcome: step.outcome,
    };
    const { kind } = step;
    if (kind === "read") return { ...times, call: "read", value };
    if (kind === "refused") return { ...times, call: "cas", from: "never", to: index, outcome: "fail", refused: true };
    const from = value;
    if (step.outcome !== "fail") value = index;
    return kind === "write" ? { ...times, call: "write", value: index } : { ...times, call: "cas", from, to: index };
  });
}

/** Few calls, few values, any times: about half of them cannot be explained. */
export function anyHistory(cas: boolean): fc.Arbitrary<readonly RegisterCall[]> {
  const value = fc.constantFrom<RegisterValue>(null, 1, 2, 3);
  const call = fc.record({
    kind: fc.constantFrom(...(cas ? (["read", "write", "cas"] as const) : (["read", "write"] as const))),
    value,
    from: value,
    invokedMs: fc.integer({ min: 0, max: 30 }),
    tookMs: fc.integer({ min: 0, max: 12 }),
    outcome: fc.constantFrom<Outcome>("ok", "ok", "ok", "unknown", "fail"),
    refused: fc.boolean(),
  });
  return fc.array(call, { maxLength: 6 }).map((calls) =>
    calls.map(({ kind, value: shown, from, invokedMs, tookMs, outcome, refused }, index): RegisterCall => {
      const completedMs = outcome === "unknown" ? null : invokedMs + tookMs;
      const times = { process: `p${index}`, key: "k", invokedMs, completedMs, outcome };
      if (kind === "cas") return { ...times, call: "cas", from, to: shown, refused };
      return { ...times, call: kind, value: shown };
    }),
  );
}

/** By trying every order of every choice of the unknown calls: slow and plain, to compare the real checker with. */
export function isLinearizableByTrying(calls: readonly RegisterCall[], value: RegisterValue = null): boolean {
  const must = calls.filter((call) => call.outcome === "ok" || isRefusal(call));
  if (must.length === 0) return true;
  return calls.some((call) => {
    if (call.outcome === "fail" && !isRefusal(call)) return false;
    if (must.some((other) => other !== call && (other.completedMs ?? Infinity) < call.invokedMs)) return false;
    const after = apply(call, value);
    return (
      after !== "does not fit" &&
      isLinearizableByTrying(
        calls.filter((other) => other !== call),
        after.value,
      )
    );
  });
}

const isRefusal = (call: RegisterCall): boolean =>
  call.call === "cas" && call.outcome === "fail" && call.refused === true;

function apply(call: RegisterCall, value: RegisterValue): { readonly value: RegisterValue } | "does not fit" {
  switch (call.call) {
    case "read":
      return call.outcome !== "ok" || call.value === value ? { value } : "does not fit";
    case "write":
      return { value: call.value };
    case "cas":
      if (isRefusal(call)) return call.from === value ? "does not fit" : { value };
      return call.from === value ? { value: call.to } : "does not fit";
  }
}
