/**
 * `hs_meta`: one row that says where this copy of the state is on the chain. Written in the same transaction as what it
 * speaks of, so that a crash leaves both or neither. Also read out of checkpoint images.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import {
  parseBootId,
  parseNodeId,
  parseOriginId,
  parseRecordId,
  parseSha256,
  type RecordId,
} from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { FIRST_WRITE_VERSION } from "../../shared/journal/record-formats.ts";
import { epoch, lsn, slot } from "../../shared/position.ts";
import { formatHeir, parseHeir, type Heir } from "../core/heir.ts";
import type { Connection } from "./connection.ts";

type MetaRow = Record<string, SQLOutputValue>;

/** What an image or a store says of itself; `null` if nothing was ever applied to it. @throws if it is not well formed. */
export function readHead(database: DatabaseSync): Head | null {
  const row = database.prepare("select * from hs_meta where id = 1").get();
  return row === undefined || row["slot"] === null ? null : headOf(row);
}

/** The layout of the system tables; `null` if there are none. */
export function readLayout(database: DatabaseSync): number | null {
  const table = database.prepare("select 1 from sqlite_schema where type = 'table' and name = 'hs_meta'").get();
  if (!table) return null;
  return Number(database.prepare("select layout from hs_meta where id = 1").get()?.["layout"] ?? 0);
}

/** To be called inside the transaction that brings the state to `head`. `heir`: whom the record there names. */
export function writeHead(connection: Connection, head: Head, heir: Heir | null): void {
  const { origin, slot, hash, lsn, logTimeMs, writeVersion, fence } = head;
  const { slot: fenceSlot, id, hash: fenceHash, epoch, owner, bootId } = fence;
  connection
    .own(
      `update hs_meta set origin = ?, slot = ?, hash = ?, lsn = ?, log_time_ms = ?, fence_slot = ?, fence_id = ?,
       fence_hash = ?, fence_epoch = ?, fence_owner = ?, fence_boot_id = ?, write_version = ?, heir = ?
       where id = 1`,
    )
    .run(
      origin,
      slot,
      hash,
      lsn,
      logTimeMs,
      fenceSlot,
      id,
      fenceHash,
      epoch,
      owner,
      bootId,
      writeVersion,
      heir === null ? null : formatHeir(heir),
    );
}

/** Of the state at `head`. A program that did not know of heirs may have gone on from one: its fence is not the last. */
export function readHeir(connection: Connection, head: Head | null): Heir | null {
  const text = connection.own("select heir from hs_meta where id = 1").get()?.["heir"] ?? null;
  const heir = text === null ? null : parseHeir(String(text));
  return heir?.fence === head?.fence.id ? heir : null;
}

export const readStable = (connection: Connection): string | null =>
  (connection.own("select stable_fence from hs_meta where id = 1").get()?.["stable_fence"] ?? null) as string | null;

export function writeStable(connection: Connection, fence: RecordId): void {
  connection.own("update hs_meta set stable_fence = ? where id = 1").run(fence);
}

const headOf = (row: MetaRow): Head => ({
  origin: parseOriginId(text(row, "origin")),
  slot: slot(number(row, "slot")),
  hash: parseSha256(text(row, "hash")),
  lsn: lsn(number(row, "lsn")),
  logTimeMs: number(row, "log_time_ms"),
  writeVersion: Number(row["write_version"] ?? FIRST_WRITE_VERSION),
  fence: {
    slot: slot(number(row, "fence_slot")),
    id: parseRecordId(text(row, "fence_id")),
    hash: parseSha256(text(row, "fence_hash")),
    epoch: epoch(number(row, "fence_epoch")),
    owner: parseNodeId(text(row, "fence_owner")),
    bootId: parseBootId(text(row, "fence_boot_id")),
  },
});

const text = (row: MetaRow, column: string): string => String(row[column]);
const number = (row: MetaRow, column: string): number => Number(row[column]);
