/**
 * The memory of settled writes, `hs_commit`: what makes a write exactly-once. Its rows are part of the state and travel
 * with the effects that they speak of.
 *
 * A row lives as long as its key's source says, counted in log time, which every host agrees on. Once it may be gone, a
 * repeated request is refused: whether it happened is not known any more. Both are judged by the same bound, `<`, so that
 * a key is never removed while its request could still be accepted as new.
 */
import type { Sha256 } from "../../shared/ids.ts";
import type { Operation } from "../../shared/journal/record.ts";
import { lsn, type Lsn } from "../../shared/position.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { Connection } from "./connection.ts";
import type { SettlementKey, WriteOutcome } from "./store.ts";

/** How long a settled key is remembered, in log time. */
export interface KeyLives {
  readonly clientMs: number;
  readonly proxyMs: number;
}

export const KEY_LIVES: KeyLives = { clientMs: 24 * 60 * 60 * 1000, proxyMs: 10 * 60 * 1000 };

/** Rows that one purge removes at most: it must not hold up the writes behind it. */
export const PURGED_ROWS = 10_000;

export const PURGE_KEYS = `delete from hs_commit where lsn in
  (select lsn from hs_commit where expires_ms < ? order by expires_ms, lsn limit ${PURGED_ROWS})`;

const FIND_KEY = "select lsn, request_hash, result from hs_commit where key = ?";
const FIND_EXPIRED = "select 1 from hs_commit where expires_ms < ? limit 1";
const REMEMBER = "insert into hs_commit (lsn, key, request_hash, expires_ms, result) values (?, ?, ?, ?, ?)";

/** The answer that `key` has already, or why it gets none; `null`: the write is to be run. */
export function recall(
  connection: Connection,
  key: SettlementKey,
  lives: KeyLives,
  logTimeMs: number,
): WriteOutcome | null {
  const row = connection.own(FIND_KEY).get(key.key);
  if (row) return replay(key, row);
  if (key.firstSentLogTimeMs === null || key.firstSentLogTimeMs + lifeMs(key, lives) >= logTimeMs) return null;
  return { type: "refused", error: new HotspareError("HS_KEY_EXPIRED") };
}

/** What a settled write leaves behind. */
export interface Settlement {
  readonly key: SettlementKey;
  readonly lsn: Lsn;
  readonly logTimeMs: number;
  /** JSON text. */
  readonly result: string;
}

/** To be called inside the savepoint of the write, so that effect and memory are one. */
export function remember(connection: Connection, settlement: Settlement, lives: KeyLives): void {
  const { key, lsn: at, logTimeMs, result } = settlement;
  connection.own(REMEMBER).run(at, key.key, key.requestHash, logTimeMs + lifeMs(key, lives), result);
}

/** The same for every host: it depends on nothing but the state and the log time in it. */
export function purgeOperations(connection: Connection, logTimeMs: number): readonly Operation[] {
  if (!connection.own(FIND_EXPIRED).get(logTimeMs)) return [];
  return [{ type: "sql", sql: PURGE_KEYS, parameters: [logTimeMs] }];
}

function replay(key: SettlementKey, row: Record<string, unknown>): WriteOutcome {
  if ((row["request_hash"] as Sha256) !== key.requestHash) {
    return { type: "refused", error: new HotspareError("HS_KEY_REUSED") };
  }
  return { type: "settled", value: String(row["result"]), lsn: lsn(Number(row["lsn"])), replayed: true };
}

const lifeMs = ({ source }: SettlementKey, lives: KeyLives): number =>
  source === "client" ? lives.clientMs : lives.proxyMs;
