/** A process that commits batches for ever and prints the LSN after each one; to be killed. */
import { randomBytes } from "node:crypto";
import { openStore } from "../../../host/store/sqlite-store.ts";
import type { Head } from "../../../shared/journal/head.ts";
import type { BootId, NodeId, OriginId, RecordId, Sha256 } from "../../../shared/ids.ts";
import { epoch, lsn, nextSlot, slot } from "../../../shared/position.ts";
import { keyOf } from "./replicas.ts";

const hex = (bytes: number): string => randomBytes(bytes).toString("hex");
const FIRST: Head = {
  origin: hex(16) as OriginId,
  slot: slot(1),
  hash: hex(32) as Sha256,
  lsn: lsn(0),
  logTimeMs: 0,
  writeVersion: 1,
  fence: {
    slot: slot(1),
    id: hex(16) as RecordId,
    hash: hex(32) as Sha256,
    epoch: epoch(1),
    owner: "host-a" as NodeId,
    bootId: hex(16) as BootId,
  },
};

const store = openStore({ file: process.argv[2]!, pool: "main" });
store.openForWriting();
const schema = store.pendingSchema([{ id: "t", sql: "create table t (id integer primary key, v)" }]);
if (schema.length > 0) store.beginOperations(schema).commit(FIRST);
for (;;) {
  const before = store.head!;
  const batch = store.begin(lsn(before.lsn + 1), before.logTimeMs);
  for (let n = 0; n < 7; n += 1) {
    const key = keyOf(hex(16));
    batch.execute({ key, run: (db, commit) => db.prepare("insert into t values (?, zeroblob(500))").run(commit.lsn) });
  }
  batch.seal();
  batch.commit({
    ...before,
    slot: nextSlot(before.slot),
    hash: hex(32) as Sha256,
    lsn: lsn(before.lsn + batch.commits),
  });
  store.trimWal();
  process.stdout.write(`${store.head!.lsn}\n`);
}
