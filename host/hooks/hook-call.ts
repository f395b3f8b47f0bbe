/** One call of one hook, and how it went. Whoever calls goes by this alone, so that tests and the simulation have their own. */
import type { HookAction } from "../../shared/config/config.ts";
import type { HookEvent } from "./hook-event.ts";

export interface HookCall {
  readonly action: HookAction;
  readonly event: HookEvent;
  /** The same in every try to tell of one event. */
  readonly id: string;
  /** Where a command runs. */
  readonly folder: string;
  /** Variables of this process that a command does not get. */
  readonly hidden: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type HookOutcome =
  | { readonly type: "done"; readonly output: string }
  | { readonly type: "failed"; readonly reason: string; readonly output: string };

/** Resolves within the time, however it went; never rejects. */
export type CallHook = (call: HookCall) => Promise<HookOutcome>;

/** For people: why it failed, with what it said last. */
export function failureText({ reason, output }: HookOutcome & { readonly type: "failed" }): string {
  const last = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
  return last === "" ? reason : `${reason}: ${last.slice(0, LONGEST_LINE)}`;
}

const LONGEST_LINE = 200;
