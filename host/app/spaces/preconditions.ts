/**
 * Conditional requests (RFC 9110, section 13). A document's entity tag is the LSN of its last change, quoted; it is
 * strong, and never used again, because LSNs only grow.
 */
import { HotspareError } from "../../../shared/errors.ts";

/** `any` is `*`: whatever is there, but something. */
export type TagMatch = { readonly type: "any" } | { readonly type: "tags"; readonly tags: readonly Tag[] };
interface Tag {
  readonly weak: boolean;
  readonly text: string;
}

export interface Preconditions {
  readonly ifMatch: TagMatch | null;
  readonly ifNoneMatch: TagMatch | null;
}

export const NO_PRECONDITIONS: Preconditions = { ifMatch: null, ifNoneMatch: null };
/** There must be nothing yet. */
export const MUST_BE_ABSENT: Preconditions = { ifMatch: null, ifNoneMatch: { type: "any" } };

const LIST = /^\s*(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*\s*$/;
const TAG = /(W\/)?"([^"]*)"/g;
const MAX_LENGTH = 4096;

export const formatTag = (lsn: number): string => `"${lsn}"`;

/** @throws {HotspareError} HS_REQUEST_INVALID if a field is no list of entity tags. */
export const readPreconditions = (headers: {
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
}): Preconditions => ({
  ifMatch: parseMatch("If-Match", headers["if-match"]),
  ifNoneMatch: parseMatch("If-None-Match", headers["if-none-match"]),
});

export function parseMatch(name: string, value: string | undefined): TagMatch | null {
  if (value === undefined) return null;
  if (value.trim() === "*") return { type: "any" };
  if (value.length > MAX_LENGTH || !LIST.test(value)) {
    throw new HotspareError("HS_REQUEST_INVALID", { reason: `${name} is * or a list of quoted entity tags` });
  }
  return {
    type: "tags",
    tags: [...value.matchAll(TAG)].map(([, weak, text = ""]) => ({ weak: weak !== undefined, text })),
  };
}

/** Whether a change may happen to what has the LSN `current` (`null`: absent). */
export function holds({ ifMatch, ifNoneMatch }: Preconditions, current: number | null): boolean {
  if (ifMatch && !matches(ifMatch, current, "strong")) return false;
  return !(ifNoneMatch && matches(ifNoneMatch, current, "weak"));
}

/** Whether the client has what it asks for already (304). */
export const isUnchanged = ({ ifNoneMatch }: Preconditions, current: number): boolean =>
  ifNoneMatch !== null && matches(ifNoneMatch, current, "weak");

function matches(match: TagMatch, current: number | null, comparison: "strong" | "weak"): boolean {
  if (current === null) return false;
  if (match.type === "any") return true;
  return match.tags.some(({ weak, text }) => text === String(current) && (comparison === "weak" || !weak));
}
