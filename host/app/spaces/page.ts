/**
 * Paging in key order. A page ends at its limit or at its bytes, whichever comes first, and names the key to go on after,
 * so that a listing of any size is read in bounded pieces, each from the state of its own moment.
 */
import { Type } from "typebox";
import { MAX_ID_BYTES } from "./names.ts";

export const MAX_LIMIT = 1000;
const DEFAULT_LIMIT = 100;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export const PageQuery = Type.Object({
  prefix: Type.Optional(Type.String({ maxLength: MAX_ID_BYTES, description: "only keys that begin so" })),
  after: Type.Optional(Type.String({ maxLength: MAX_ID_BYTES, description: "the `next` of the page before" })),
  limit: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,8}$", description: `at most ${MAX_LIMIT}` })),
});

export interface PageRequest {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
}

export interface PageItem {
  readonly key: string;
  /** JSON text. */
  readonly text: string;
}

export const readPageRequest = (query: { prefix?: string; after?: string; limit?: string }): PageRequest => ({
  prefix: query.prefix ?? "",
  after: query.after ?? "",
  limit: Math.min(Number(query.limit ?? DEFAULT_LIMIT), MAX_LIMIT),
});

/** JSON text of a page. `items` come in key order, from the first key that is wanted, one more than the limit if there are. */
export function pageText(name: string, items: Iterable<PageItem>, { prefix, limit }: PageRequest): string {
  const texts: string[] = [];
  let bytes = 0;
  let last: string | null = null;
  let next: string | null = null;
  for (const { key, text } of items) {
    if (!key.startsWith(prefix)) break;
    if (last !== null && (texts.length === limit || bytes + text.length > MAX_PAGE_BYTES)) {
      next = last;
      break;
    }
    texts.push(text);
    bytes += text.length;
    last = key;
  }
  return `{${JSON.stringify(name)}:[${texts.join(",")}],"next":${JSON.stringify(next)}}`;
}
