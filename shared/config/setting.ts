/** One row of the table of the configuration: what a key accepts, what holds where it is absent, what it is for. */
import type { Check } from "./checks.ts";

/** What holds where a key is absent. */
export type Fallback =
  | { readonly type: "needed" }
  | { readonly type: "standard"; readonly written: string | number | boolean }
  /** Worked out by `load-config.ts`; `from` says how. */
  | { readonly type: "derived"; readonly from: string };

export interface Setting<T, F extends Fallback = Fallback> {
  readonly check: Check<T>;
  readonly fallback: F;
  readonly description: string;
}

export function needed<T>(check: Check<T>, description: string): Setting<T, { type: "needed" }> {
  return { check, fallback: { type: "needed" }, description };
}

export function standard<T>(
  check: Check<T>,
  written: string | number | boolean,
  description: string,
): Setting<T, { type: "standard"; written: string | number | boolean }> {
  return { check, fallback: { type: "standard", written }, description };
}

export function derived<T>(
  check: Check<T>,
  from: string,
  description: string,
): Setting<T, { type: "derived"; from: string }> {
  return { check, fallback: { type: "derived", from }, description };
}
