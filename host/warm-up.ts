/**
 * Runs the code of a first request and of a first batch once, at the start of a host, on nothing that matters: a standby
 * that takes over must not spend its first requests on compiling what a primary has long been running.
 *
 * Whatever goes wrong here is told and changes nothing.
 */
import { mkdirSync, rmSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import type { Address } from "../shared/config/config.ts";
import { DialingAgent } from "../shared/dialing-agent.ts";
import { reasonOf } from "../shared/errors.ts";
import { sha256 } from "../shared/hash.ts";
import type { BootId, NodeId, OriginId, RecordId } from "../shared/ids.ts";
import { extend, originHash, type Head } from "../shared/journal/head.ts";
import { FIRST_WRITE_VERSION } from "../shared/journal/record-formats.ts";
import { decodeRecord, encodeRecord } from "../shared/journal/record-codec.ts";
import type { Operation, RecordHeader } from "../shared/journal/record.ts";
import type { Log } from "../shared/log.ts";
import type { Sockets } from "../shared/sockets.ts";
import { epoch, lsn, slot } from "../shared/position.ts";
import { headerAfter } from "./core/primary.ts";
import { openStore } from "./store/sqlite-store.ts";
import type { Store } from "./store/store.ts";

export interface WarmUpOptions {
  /** The data listener. */
  readonly listen: Address;
  /** Of this host alone; a folder is made there and removed. */
  readonly data: string;
  /** By which the listener is reached. */
  readonly sockets: Sockets;
  readonly log: Log;
}

const ROUNDS = 30;
const NOBODY = "warm-up" as NodeId;
const ZERO = "0".repeat(32);

export async function warmUp({ listen, data, sockets, log }: WarmUpOptions): Promise<void> {
  try {
    warmStore(join(data, "warm-up"));
    await warmListener(listen, sockets);
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, "the warm-up failed: the first requests after a takeover will be slower");
  }
}

/** Batches as a primary makes them, records as a standby reads them, in a store that is thrown away. */
function warmStore(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const store = openStore({ file: join(folder, "state.db"), pool: "warm-up" });
  try {
    store.openForWriting();
    let head = commit(
      store,
      null,
      store.pendingSchema([
        { id: "warm", sql: "create table warm (id text primary key not null, n integer not null) strict" },
      ]),
    );
    for (let round = 0; round < ROUNDS; round += 1) head = writeOnce(store, head, round);
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeOnce(store: Store, head: Head, round: number): Head {
  const batch = store.begin(lsn(head.lsn + 1), head.logTimeMs);
  batch.execute({
    key: { key: `warm-${round}`, source: "proxy", requestHash: sha256("warm"), firstSentLogTimeMs: null },
    run: (db) =>
      db.prepare("insert into warm values (?, ?) on conflict do update set n = n + 1 returning n").get("x", 1n),
  });
  const { operations } = batch.seal();
  const next = headAfter(head, headerAfter(head, ZERO as RecordId, batch.commits, head.logTimeMs), operations);
  batch.commit(next);
  store.read((db) => db.prepare("select n from warm where id = ?").get("x"));
  return next;
}

function commit(store: Store, head: Head | null, operations: readonly Operation[]): Head {
  const batch = store.beginOperations(operations);
  const next = headAfter(head, firstHeader(), []);
  batch.commit(next);
  return next;
}

/** By way of the bytes, as if it had been published. */
function headAfter(head: Head | null, header: RecordHeader, operations: readonly Operation[]): Head {
  const fence = {
    previous: null,
    schema: [],
    reason: "cold",
    orderedBy: null,
    cause: "",
    votes: [],
    wallMs: 0,
  } as const;
  const { bytes } = encodeRecord(
    head === null ? { kind: "fence", header, fence } : { kind: "batch", header, operations },
  );
  const decoded = decodeRecord(Buffer.from(bytes));
  const extension = decoded.type === "record" ? extend(head, decoded.sealed) : null;
  if (!extension?.ok) throw new Error("a record of the warm-up does not follow");
  return extension.head;
}

function firstHeader(): RecordHeader {
  const origin = ZERO as OriginId;
  return {
    version: FIRST_WRITE_VERSION,
    origin,
    slot: slot(1),
    epoch: epoch(1),
    owner: NOBODY,
    bootId: ZERO as BootId,
    id: ZERO as RecordId,
    previousHash: originHash(origin),
    firstLsn: lsn(1),
    commits: 0,
    logTimeMs: 0,
  };
}

/** Requests that no application answers: they pass the listener, the scope of a request and the answer's last word. */
async function warmListener({ host, port }: Address, sockets: Sockets): Promise<void> {
  const agent = new DialingAgent(sockets, { keepAlive: true });
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      await new Promise<void>((resolve, reject) => {
        get({ host, port, path: `/.warm-up/${round}`, agent }, (answer) => answer.resume().on("end", resolve)).on(
          "error",
          reject,
        );
      });
    }
  } finally {
    agent.destroy();
  }
}
