/**
 * Documents in the store: reading, listing, and the four changes that single requests and transactions share. A change
 * throws before it has written anything, so that a transaction's throw leaves nothing.
 */
import { HotspareError, unreachable } from "../../../shared/errors.ts";
import type { Commit, Db } from "../../store/store.ts";
import { parseExact, type Json } from "./exact-json.ts";
import { mergePatch } from "./merge-patch.ts";
import { checkDocumentText } from "./names.ts";
import type { PageItem, PageRequest } from "./page.ts";
import { holds, type Preconditions } from "./preconditions.ts";

export type DocumentChange = {
  readonly id: string;
  readonly conditions: Preconditions;
} & (
  | { readonly type: "put"; /** JSON text. */ readonly value: string }
  | { readonly type: "merge"; readonly patch: Json }
  | { readonly type: "delete" | "check" }
);

export interface DocumentResult {
  readonly id: string;
  readonly change: "created" | "updated" | "deleted" | "checked";
  /** Of the document's last change: this one, or for `checked` an earlier one. */
  readonly lsn: number;
}

export interface Document {
  readonly id: string;
  /** JSON text. */
  readonly value: string;
  readonly lsn: number;
}

/** @throws {HotspareError} HS_DOCUMENT_ABSENT, HS_PRECONDITION_FAILED, HS_WRITE_TOO_LARGE */
export function changeDocument(db: Db, commit: Commit, space: string, change: DocumentChange): DocumentResult {
  const current = change.type === "put" ? findDocument(db, space, change.id) : currentFor(db, space, change);
  if (!holds(change.conditions, current?.lsn ?? null)) {
    throw new HotspareError("HS_PRECONDITION_FAILED", { id: change.id });
  }
  const { id } = change;
  switch (change.type) {
    case "put":
      storeDocument(db, commit, { space, id, value: checkDocumentText(change.value) });
      return { id, change: current === null ? "created" : "updated", lsn: commit.lsn };
    case "merge":
      storeDocument(db, commit, { space, id, value: merged(current, change.patch) });
      return { id, change: "updated", lsn: commit.lsn };
    case "delete":
      storeDocument(db, commit, { space, id, value: null });
      return { id, change: "deleted", lsn: commit.lsn };
    case "check":
      return { id, change: "checked", lsn: current?.lsn ?? 0 };
    default:
      return unreachable(change);
  }
}

/** `null` if it is absent or deleted. */
export function findDocument(db: Db, space: string, id: string): Document | null {
  const row = db
    .prepare("select id, value, lsn from documents where space = ? and id = ? and value is not null")
    .get(space, id);
  return (row as unknown as Document | undefined) ?? null;
}

export function* listDocuments(db: Db, space: string, { prefix, after, limit }: PageRequest): Generator<PageItem> {
  const rows = db
    .prepare(
      `select id, value, lsn from documents
       where space = ? and id >= ? and id > ? and value is not null order by id limit ?`,
    )
    .iterate(space, prefix, after, limit + 1);
  for (const row of rows) {
    const { id, value, lsn } = row as unknown as Document;
    yield { key: id, text: `{"id":${JSON.stringify(id)},"lsn":${lsn},"value":${value}}` };
  }
}

/** Absence comes before any condition (RFC 9110, 13.2.1), unless absence is what the check asks for. */
function currentFor(db: Db, space: string, { type, id, conditions }: DocumentChange): Document | null {
  const current = findDocument(db, space, id);
  if (current === null && !(type === "check" && conditions.ifNoneMatch)) {
    throw new HotspareError("HS_DOCUMENT_ABSENT", { id, space });
  }
  return current;
}

const merged = (current: Document | null, patch: Json): string =>
  checkDocumentText(JSON.stringify(mergePatch(current === null ? undefined : parseExact(current.value), patch)));

function storeDocument(db: Db, commit: Commit, row: { space: string; id: string; value: string | null }): void {
  db.prepare(
    `insert into documents (space, id, value, lsn, log_time_ms) values (?, ?, ?, ?, ?)
     on conflict (space, id) do update set value = excluded.value, lsn = excluded.lsn, log_time_ms = excluded.log_time_ms`,
  ).run(row.space, row.id, row.value, commit.lsn, Math.floor(commit.logTimeMs));
}
