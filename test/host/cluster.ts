/**
 * Several hosts' pools in one process, on one vault in a temporary folder: the production shell, store and vault, without
 * listeners. Dropping one is a `kill -9`: nothing of it runs on.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseNodeId, parsePoolId, randomId, type BootId } from "../../shared/ids.ts";
import { silentLog, type Log } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { PoolCopy } from "../../host/pool-copy.ts";
import { PoolFolder } from "../../host/pool-folder.ts";
import { HostedPool, type PoolOptions } from "../../host/pool.ts";
import type { SchemaEntry, Write } from "../../host/store/store.ts";

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

export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-pool-"));
  readonly vaultFolder = join(this.folder, "vault");
  readonly #pools = new Set<HostedPool>();
  readonly died: unknown[] = [];

  constructor() {
    mkdirSync(this.vaultFolder);
  }

  vault(): Vault {
    return new DirectoryVault({ directory: this.vaultFolder, random: systemRandom, clock: systemClock });
  }

  async start(host: string, changes: Partial<PoolOptions> & { first?: boolean; log?: Log } = {}): Promise<HostedPool> {
    const data = join(this.folder, host);
    mkdirSync(data, { recursive: true });
    const log = changes.log ?? silentLog;
    const copy = new PoolCopy({
      pool: POOL,
      folder: new PoolFolder(data, POOL),
      vaultDirectory: this.vaultFolder,
      clock: systemClock,
      log,
    });
    const pool = new HostedPool({
      id: POOL,
      settings: {
        pool: POOL,
        self: parseNodeId(host),
        bootId: randomId<BootId>(systemRandom),
        firstPreferred: changes.first ?? false,
        orderable: false,
        takeoverTimeoutMs: 5000,
        surveyIntervalMs: 20,
        rejoin: "auto",
        schema: SCHEMA.map(({ id }) => id),
      },
      vault: changes.vault ?? this.vault(),
      copy,
      schema: SCHEMA,
      reads: "check",
      clock: systemClock,
      random: systemRandom,
      log,
      die: (error) => this.died.push(error),
      hooks: {
        committed: () => undefined,
        marked: () => Promise.resolve(),
        serving: () => undefined,
        request: () => undefined,
      },
      ...changes,
    });
    this.#pools.add(pool);
    await pool.start();
    return pool;
  }

  /** Orders `pool` to depose the newest fence that it knows. */
  promote(pool: HostedPool, fence = pool.fence?.id ?? null): ReturnType<HostedPool["promote"]> {
    const request = { pool: POOL, bootId: "0".repeat(32), fence, cause: "test", votes: [] };
    return pool.promote(request, parseNodeId("proxy-1"));
  }

  async end(): Promise<void> {
    for (const pool of this.#pools) await pool.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
