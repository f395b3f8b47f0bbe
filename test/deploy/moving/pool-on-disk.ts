/** A configured vault on disk whose pool is served in this process, so that commands may be run on it. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { initCluster } from "../../../deploy/cli/init-cluster.ts";
import { DEFAULT_PORTS, localClusterText } from "../../../deploy/cli/local-cluster.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { Cluster } from "../../host/cluster.ts";
import { chance, hotspare, still, type Shown } from "../console.ts";

export class PoolOnDisk {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-moving-"));
  readonly file = join(this.folder, "hotspare.yaml");
  /** Its hosts' pools, on this vault. */
  readonly cluster = new Cluster();

  static async make(): Promise<PoolOnDisk> {
    const made = new PoolOnDisk();
    const template = localClusterText(DEFAULT_PORTS).replace("./vault", made.cluster.vaultFolder);
    await initCluster({ file: made.file, template, env: {}, random: chance, clock: still });
    return made;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  run(...args: readonly string[]): Promise<Shown> {
    return hotspare([...args, "--config", this.file], { clock: systemClock });
  }

  async end(): Promise<void> {
    await this.cluster.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Rows of a database file that nobody else has open. */
export function rowsOf(file: string, sql: string): readonly object[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    db.close();
  }
}

/** Every file below a folder with its size and its time of change. */
export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => ({ name, stats: statSync(join(folder, name)) }))
    .filter(({ stats }) => stats.isFile())
    .map(({ name, stats }) => `${name} ${stats.size} ${stats.mtimeMs}`)
    .toSorted();
