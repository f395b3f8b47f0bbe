/** A store's database for tests of checkpoints: real system tables, one table of the application, a head. */
import { DatabaseSync } from "node:sqlite";
import type { BootId, NodeId, OriginId, RecordId, Sha256 } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import { epoch, lsn, slot } from "../../../shared/position.ts";
import { SYSTEM_TABLES } from "../../../host/store/system-tables.ts";

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

export const ORIGIN = hex(0xabc, 32) as OriginId;

export function sampleHead(at: number, origin = ORIGIN): Head {
  return {
    origin,
    slot: slot(at),
    hash: hex(at, 64) as Sha256,
    lsn: lsn(at * 2),
    logTimeMs: at * 10 + 0.5,
    writeVersion: 1,
    fence: {
      slot: slot(1),
      id: hex(0x77, 32) as RecordId,
      hash: hex(1, 64) as Sha256,
      epoch: epoch(1),
      owner: "host-a" as NodeId,
      bootId: hex(0x99, 32) as BootId,
    },
  };
}

export class SampleStore {
  readonly db: DatabaseSync;
  readonly file: string;

  constructor(file: string) {
    this.file = file;
    this.db = new DatabaseSync(file);
    this.db.exec("pragma journal_mode = wal; pragma synchronous = normal");
    this.db.exec(`${SYSTEM_TABLES}; create table item (id integer primary key not null, body text)`);
    this.db.exec("insert into hs_schema values (1, 'items', 'x')");
  }

  /** Adds `rows` rows and moves the head, in one transaction. */
  commit(head: Head, rows = 1, body = "body of some length "): void {
    this.db.exec("begin");
    const insert = this.db.prepare("insert into item (body) values (?)");
    for (let row = 0; row < rows; row += 1) insert.run(body.repeat(1 + (row % 7)));
    const { fence } = head;
    const values = [head.origin, head.slot, head.hash, head.lsn, head.logTimeMs];
    const tenure = [fence.slot, fence.id, fence.hash, fence.epoch, fence.owner, fence.bootId];
    this.db
      .prepare(
        `update hs_meta set origin = ?, slot = ?, hash = ?, lsn = ?, log_time_ms = ?, fence_slot = ?, fence_id = ?,
         fence_hash = ?, fence_epoch = ?, fence_owner = ?, fence_boot_id = ?`,
      )
      .run(...values, ...tenure);
    this.db.exec("commit");
  }

  get rows(): number {
    return Number(this.db.prepare("select count(*) as n from item").get()?.["n"]);
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }
}
