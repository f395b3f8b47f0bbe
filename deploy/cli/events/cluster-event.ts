/** One thing that happened in a cluster, whoever tells of it, and what it looks like to people. Pure. */
import { createColors } from "picocolors";
import { printable } from "../printable.ts";
import { clockText, wallText } from "../wall-text.ts";

export interface ClusterEvent {
  /** By the wall clock of who says it. */
  readonly atMs: number;
  /** `operators`: revisions; `vault`: the history of takeovers; `proxies`: what they saw and did. */
  readonly source: "operators" | "vault" | "proxies";
  readonly by: string;
  readonly type: string;
  /** A short sentence; `null`: of no interest to people. */
  readonly text: string | null;
  readonly trouble: boolean;
  /** All that is known of it, for programs. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A source that told nothing, and why. */
export interface SilentSource {
  readonly source: ClusterEvent["source"];
  readonly what: string;
  readonly reason: string;
}

export interface Told {
  readonly events: readonly ClusterEvent[];
  readonly silent: readonly SilentSource[];
}

/** What several proxies see at nearly the same time is one thing. */
const SAME_MS = 10_000;
const MOST_REMEMBERED = 1000;

/** Lets each thing pass once, whoever of the proxies says it first. */
export class OnceTold {
  readonly #lastMs = new Map<string, { readonly atMs: number; readonly by: string }>();

  isNew({ text, source, by, atMs }: ClusterEvent): boolean {
    if (source !== "proxies" || text === null) return true;
    const last = this.#lastMs.get(text);
    if (last && last.by !== by && Math.abs(atMs - last.atMs) <= SAME_MS) return false;
    if (this.#lastMs.size >= MOST_REMEMBERED) this.#lastMs.clear();
    this.#lastMs.set(text, { atMs, by });
    return true;
  }
}

export const isSince =
  (sinceMs: number) =>
  ({ atMs }: ClusterEvent): boolean =>
    atMs >= sinceMs;

/** `null`: not for people. */
export function eventLine({ atMs, by, text, trouble }: ClusterEvent, colours: boolean): string | null {
  if (text === null) return null;
  const { yellow } = createColors(colours);
  const line = `${wallText(atMs).slice(0, 10)} ${clockText(atMs)}  ${printable(by)}: ${printable(text)}`;
  return trouble ? yellow(line) : line;
}

export const silentLine = ({ source, what, reason }: SilentSource): string =>
  `not heard (${source}): ${printable(what)}: ${printable(reason)}`;
