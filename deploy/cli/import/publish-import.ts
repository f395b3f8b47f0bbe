/**
 * Publishes a prepared import: takes the pool over by the ordinary protocol, as the host that will serve it, and journals
 * schema and rows as that host's commits. From the fence on the state carries a mark (`host/store/import-mark.ts`) by which
 * no host serves it; the last record takes the mark away. A run that ends in between is continued by the next one: how
 * much is journalled, the LSN says. Where the rows hold LSNs, as those that `restore` wrote may, empty records come before
 * that last one until none of them can be given again.
 */
import { DatabaseSync } from "node:sqlite";
import { sleep, type Clock } from "../../../shared/clock.ts";
import type { HostConfig, PoolConfig } from "../../../shared/config/config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, randomId, type BootId } from "../../../shared/ids.ts";
import { silentLog } from "../../../shared/log.ts";
import type { Random } from "../../../shared/random.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { ImageWorker } from "../../../host/checkpoint/image-worker.ts";
import { restoreInThread } from "../../../host/checkpoint/restore-worker.ts";
import { PoolCheckpoints } from "../../../host/pool-checkpoints.ts";
import { PoolCopy } from "../../../host/pool-copy.ts";
import { PoolFolder } from "../../../host/pool-folder.ts";
import { HostedPool } from "../../../host/pool.ts";
import { FINISH_IMPORT, importMark, isImportMark } from "../../../host/store/import-mark.ts";
import { digestRows } from "../../../host/store/state-hash.ts";
import type { SchemaEntry } from "../../../host/store/store.ts";
import type { PreparedImport } from "./prepare-import.ts";

export interface PublishOptions {
  readonly pool: PoolConfig;
  readonly host: HostConfig;
  /** Of the application. */
  readonly schema: readonly SchemaEntry[];
  readonly prepared: PreparedImport;
  readonly vault: Vault;
  readonly vaultDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly takeoverTimeoutMs: number;
  readonly progress: (text: string, done: number, total: number) => void;
}

export interface PublishedImport {
  readonly slot: number;
  readonly lsn: number;
  readonly epoch: number;
  /** Records that an earlier run had journalled. */
  readonly continued: number;
}

const SELF = parseNodeId("cli");
const CAUSE = "hotspare import";
const SURVEY_MS = 100;
const LOOK_MS = 20;
/** The commit with the schema comes before the rows. */
const SCHEMA_COMMITS = 1;
/** As many as a record can hold. */
const MAX_COMMITS = 2 ** 32 - 1;

/** @throws {HotspareError} HS_IMPORT_OCCUPIED; what the vault or the local disk fails with. The next run goes on from there. */
export async function publishImport(options: PublishOptions): Promise<PublishedImport> {
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => undefined);
  const opened = openPool(options, died.reject);
  try {
    return await Promise.race([journal(options, opened), died.promise]);
  } finally {
    await opened.hosted.stop();
    await opened.checkpoints.stop();
  }
}

interface OpenedPool {
  readonly hosted: HostedPool;
  readonly copy: PoolCopy;
  readonly checkpoints: PoolCheckpoints;
}

function openPool(options: PublishOptions, die: (error: unknown) => void): OpenedPool {
  const { pool, host, schema, prepared, vault, vaultDirectory, clock, random } = options;
  const folder = new PoolFolder(host.data, pool.id);
  const shared = { pool: pool.id, vaultDirectory, clock, log: silentLog };
  const copy = new PoolCopy({ ...shared, folder, lives: pool.idempotency, restore: restoreInThread });
  const checkpoints = new PoolCheckpoints({
    ...shared,
    host: host.id,
    copy,
    vault,
    temporary: folder.imagesFolder,
    limits: () => pool.checkpoint,
    die,
    turns: null,
    openImages: (of) => new ImageWorker(of),
  });
  const entries = [importMark(prepared.content), ...schema];
  const hosted = new HostedPool({
    id: pool.id,
    settings: {
      pool: pool.id,
      self: host.id,
      bootId: randomId<BootId>(random),
      firstPreferred: false,
      orderable: false,
      takeoverTimeoutMs: options.takeoverTimeoutMs,
      surveyIntervalMs: SURVEY_MS,
      rejoin: "auto",
      schema: entries.map(({ id }) => id),
    },
    vault,
    copy,
    schema: entries,
    reads: "barrier",
    clock,
    random,
    log: silentLog,
    die,
    wroteSince: () => true,
    hooks: checkpoints,
  });
  checkpoints.attach(hosted);
  return { hosted, copy, checkpoints };
}

async function journal(options: PublishOptions, { hosted, copy, checkpoints }: OpenedPool): Promise<PublishedImport> {
  const { prepared, progress, pool } = options;
  await reachHead(options, hosted);
  demandVacant(options, copy);
  await takeOver(options, hosted);
  const continued = Math.min(prepared.records, Math.max(0, hosted.lsn - SCHEMA_COMMITS));
  for (let index = continued; index < prepared.records; index += 1) {
    await hosted.journal([prepared.operation(index)]);
    progress(`journalling into pool ${pool.id}`, index + 1, prepared.records);
  }
  verify(options, copy);
  while (hosted.lsn < prepared.newestLsn) {
    await hosted.journal([], Math.min(prepared.newestLsn - hosted.lsn, MAX_COMMITS));
  }
  await hosted.journal([{ type: "sql", sql: FINISH_IMPORT, parameters: [] }]);
  const { slot } = await checkpoints.take("an import");
  return { slot, lsn: hosted.lsn, epoch: hosted.fence?.epoch ?? 0, continued };
}

async function reachHead({ clock, pool }: PublishOptions, hosted: HostedPool): Promise<void> {
  await hosted.start();
  while (hosted.state.atHeadMs === null) {
    const { alarm } = hosted.state;
    if (alarm) throw occupied(pool, `it cannot be followed: ${alarm.reason} (${alarm.code})`);
    await sleep(clock, LOOK_MS);
  }
}

/** A pool without a history, or with an unfinished import of just the same. */
function demandVacant({ pool, prepared }: PublishOptions, { store }: PoolCopy): void {
  const { head, schema } = store;
  const [first] = schema;
  if (head === null || first === importMark(prepared.content).id) return;
  if (first !== undefined && isImportMark(first)) {
    throw occupied(
      pool,
      "an import of other rows or another schema was begun and not finished; finish it with the same file and application",
    );
  }
  throw occupied(pool, `it has a history already: slot ${head.slot}, epoch ${head.fence.epoch} of ${head.fence.owner}`);
}

async function takeOver({ pool, random }: PublishOptions, hosted: HostedPool): Promise<void> {
  const bootId = randomId<BootId>(random);
  const request = { pool: pool.id, bootId, fence: hosted.fence?.id ?? null, cause: CAUSE, votes: [] };
  const { outcome, reason } = await hosted.promote(request, SELF);
  if (outcome !== "serving") throw occupied(pool, `this host cannot take it over: ${reason}`);
}

/** What was journalled is what was rehearsed, table by table. */
function verify({ prepared, pool }: PublishOptions, { store }: PoolCopy): void {
  const db = new DatabaseSync(store.file, { readOnly: true });
  try {
    for (const { name, rows, hash, stateSql } of prepared.tables) {
      const found = digestRows(db, stateSql);
      if (found.hash === hash) continue;
      throw occupied(pool, `table ${name} has ${found.rows} rows where ${rows} were journalled, or others`);
    }
  } finally {
    db.close();
  }
}

const occupied = ({ id }: PoolConfig, reason: string): HotspareError =>
  new HotspareError("HS_IMPORT_OCCUPIED", { pool: id, reason });
