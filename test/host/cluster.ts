/**
 * Several hosts' pools in one process, on one vault in a temporary folder: the production shell, store and vault, without
 * listeners. Dropping one is a `kill -9`: nothing of it runs on.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import { parseNodeId, parsePoolId, randomId, type BootId } from "../../shared/ids.ts";
import { silentLog, type Log } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { ImageWorker } from "../../host/checkpoint/image-worker.ts";
import { HintWriter } from "../../host/hint-writer.ts";
import { restoreInThread } from "../../host/checkpoint/restore-worker.ts";
import type { ImageTurns } from "../../host/checkpoint/image-turns.ts";
import { PoolCheckpoints } from "../../host/pool-checkpoints.ts";
import { PoolCopy } from "../../host/pool-copy.ts";
import { PoolFolder } from "../../host/pool-folder.ts";
import { HostedPool, type PoolOptions } from "../../host/pool.ts";
import type { SchemaEntry, Write } from "../../host/store/store.ts";
import { StuckWatch } from "../../host/stuck-watch.ts";

export const POOL = parsePoolId("main");

export const SCHEMA: readonly SchemaEntry[] = [
  { id: "entry", sql: "create table entry (id text primary key not null, n integer not null) strict" },
];

/** Adds `n` to an entry; the value is its sum. */
export const add = (id: string, n = 1): Write => ({
  key: null,
  run: (db) => {
    const sql = "insert into entry values (?, ?) on conflict do update set n = n + excluded.n returning n";
    return db.prepare(sql).get(id, BigInt(n))?.["n"];
  },
});

/** Hosts that are started with checkpoints and hints, so that they can help one another. */
const HOSTS = ["host-a", "host-b", "host-c"].map(parseNodeId);

/** For what only waits now and then. */
const hurried: Clock = { ...systemClock, after: (delayMs, run) => systemClock.after(delayMs / 20, run) };

export interface EquippedHost {
  readonly pool: HostedPool;
  readonly checkpoints: PoolCheckpoints;
  readonly copy: PoolCopy;
  /** Where its local copies lie. */
  readonly data: string;
  stop(): Promise<void>;
}

export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-pool-"));
  readonly vaultFolder = join(this.folder, "vault");
  readonly #stops = new Set<() => Promise<void>>();
  readonly died: unknown[] = [];

  constructor() {
    mkdirSync(this.vaultFolder);
  }

  vault(): Vault {
    return new DirectoryVault({ directory: this.vaultFolder, random: systemRandom, clock: systemClock });
  }

  async start(host: string, changes: Partial<PoolOptions> & { first?: boolean; log?: Log } = {}): Promise<HostedPool> {
    const pool = new HostedPool({ ...this.#options(host, changes), copy: this.#copy(host, changes.log), ...changes });
    this.#stops.add(() => pool.stop());
    await pool.checkFormat();
    await pool.start();
    return pool;
  }

  /** With checkpoints, and with the hints by which stuck hosts are helped. */
  async equip(
    host: string,
    { turns = null, ...changes }: Partial<PoolOptions> & { first?: boolean; turns?: ImageTurns | null } = {},
  ): Promise<EquippedHost> {
    const [copy, vault, self] = [this.#copy(host), this.vault(), parseNodeId(host)];
    const parts = { pool: POOL, host: self, copy, vault, vaultDirectory: this.vaultFolder, clock: systemClock };
    const checkpoints = new PoolCheckpoints({
      ...parts,
      clock: turns ? hurried : systemClock,
      temporary: join(this.folder, host, "images"),
      limits: () => ({ bytes: 2 ** 40, intervalMs: 2 ** 40, keep: 2 }),
      log: silentLog,
      die: (error) => this.died.push(error),
      turns,
      openImages: (options) => new ImageWorker(options),
    });
    const pool = new HostedPool({ ...this.#options(host, changes), vault, copy, hooks: checkpoints, ...changes });
    checkpoints.attach(pool);
    await pool.start();
    const bootId = randomId<BootId>(systemRandom);
    const hinted = [{ hosted: pool, checkpoints }];
    const hints = new HintWriter({ vault, host: self, bootId, version: "test", pools: hinted, clock: hurried });
    const others = HOSTS.filter((id) => id !== self);
    const stuck = new StuckWatch({ pool, checkpoints, vault, hosts: () => others, clock: hurried, log: silentLog });
    const stop = async (): Promise<void> => {
      this.#stops.delete(stop);
      stuck.stop();
      hints.stop();
      await pool.stop();
      await checkpoints.stop();
    };
    this.#stops.add(stop);
    return { pool, checkpoints, copy, data: join(this.folder, host, "pools", POOL), stop };
  }

  /** A host's pool on a data folder that is there already, with another schema. */
  async follow(data: string, host: string, schema: readonly SchemaEntry[]): Promise<HostedPool> {
    const folder = new PoolFolder(data, POOL);
    const vault = { vaultDirectory: this.vaultFolder, clock: systemClock, log: silentLog };
    const copy = new PoolCopy({ ...vault, pool: POOL, folder, restore: restoreInThread });
    const { settings, ...options } = this.#options(host, {});
    const pool = new HostedPool({
      ...options,
      settings: { ...settings, schema: schema.map(({ id }) => id) },
      schema,
      copy,
    });
    await pool.start();
    return pool;
  }

  /** Orders `pool` to depose the newest fence that it knows. */
  promote(pool: HostedPool, fence = pool.fence?.id ?? null): ReturnType<HostedPool["promote"]> {
    const request = { pool: POOL, bootId: "0".repeat(32), fence, cause: "test", votes: [] };
    return pool.promote(request, parseNodeId("proxy-1"));
  }

  async end(): Promise<void> {
    for (const stop of this.#stops) await stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #copy(host: string, log: Log = silentLog): PoolCopy {
    const data = join(this.folder, host);
    mkdirSync(data, { recursive: true });
    const folder = new PoolFolder(data, POOL);
    const restore = restoreInThread;
    return new PoolCopy({ pool: POOL, folder, vaultDirectory: this.vaultFolder, clock: systemClock, log, restore });
  }

  #options(
    host: string,
    { first = false, log = silentLog }: { first?: boolean; log?: Log },
  ): Omit<PoolOptions, "copy"> {
    return {
      id: POOL,
      settings: {
        pool: POOL,
        self: parseNodeId(host),
        bootId: randomId<BootId>(systemRandom),
        firstPreferred: first,
        orderable: false,
        takeoverTimeoutMs: 5000,
        surveyIntervalMs: 20,
        rejoin: "auto",
        schema: SCHEMA.map(({ id }) => id),
      },
      vault: this.vault(),
      schema: SCHEMA,
      reads: "check",
      clock: systemClock,
      random: systemRandom,
      log,
      die: (error) => this.died.push(error),
      wroteSince: () => true,
      hooks: {
        committed: () => undefined,
        marked: () => Promise.resolve(),
        serving: () => undefined,
        request: () => undefined,
      },
    };
  }
}
