/** Spaces in the store. */
import { HotspareError } from "../../../shared/errors.ts";
import type { Commit, Db } from "../../store/store.ts";
import type { PageItem, PageRequest } from "./page.ts";

/** What is given is set, the rest stays as it is; `title: null` removes it. */
export interface SpaceChange {
  readonly title?: string | null;
  /** JSON text. */
  readonly settings?: string;
}

interface SpaceRow {
  readonly space: string;
  readonly title: string | null;
  readonly settings: string;
  readonly created_lsn: number;
  readonly lsn: number;
}

export interface SpaceResult {
  readonly created: boolean;
  /** JSON text of the space. */
  readonly text: string;
}

const COLUMNS = "space, title, settings, created_lsn, lsn";

export function putSpace(db: Db, commit: Commit, space: string, change: SpaceChange): SpaceResult {
  const before = findSpace(db, space);
  const after: SpaceRow = {
    space,
    title: change.title === undefined ? (before?.title ?? null) : change.title,
    settings: change.settings ?? before?.settings ?? "{}",
    created_lsn: before?.created_lsn ?? commit.lsn,
    lsn: commit.lsn,
  };
  db.prepare(
    `insert into spaces (${COLUMNS}) values (?, ?, ?, ?, ?)
     on conflict (space) do update set title = excluded.title, settings = excluded.settings, lsn = excluded.lsn`,
  ).run(after.space, after.title, after.settings, after.created_lsn, after.lsn);
  return { created: before === null, text: spaceText(after) };
}

/** With all its documents and their tombstones. @throws {HotspareError} HS_SPACE_ABSENT */
export function deleteSpace(db: Db, space: string): void {
  requireSpace(db, space);
  db.prepare("delete from documents where space = ?").run(space);
  db.prepare("delete from spaces where space = ?").run(space);
}

/** JSON text of the space. @throws {HotspareError} HS_SPACE_ABSENT */
export const readSpace = (db: Db, space: string): string => spaceText(requireSpace(db, space));

/** @throws {HotspareError} HS_SPACE_ABSENT */
export function requireSpace(db: Db, space: string): SpaceRow {
  const row = findSpace(db, space);
  if (row === null) throw new HotspareError("HS_SPACE_ABSENT", { space });
  return row;
}

export function* listSpaces(db: Db, { prefix, after, limit }: PageRequest): Generator<PageItem> {
  const rows = db
    .prepare(`select ${COLUMNS} from spaces where space >= ? and space > ? order by space limit ?`)
    .iterate(prefix, after, limit + 1);
  for (const row of rows) {
    const space = row as unknown as SpaceRow;
    yield { key: space.space, text: spaceText(space) };
  }
}

function findSpace(db: Db, space: string): SpaceRow | null {
  const row = db.prepare(`select ${COLUMNS} from spaces where space = ?`).get(space);
  return (row as unknown as SpaceRow | undefined) ?? null;
}

/** By hand, so that the settings stay the text that they are. */
const spaceText = ({ space, title, settings, created_lsn, lsn }: SpaceRow): string =>
  `{"space":${JSON.stringify(space)},"title":${JSON.stringify(title)},"settings":${settings},` +
  `"createdLsn":${created_lsn},"lsn":${lsn}}`;
