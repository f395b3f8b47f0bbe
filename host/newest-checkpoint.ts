/**
 * Which checkpoint of a pool is the newest, for whoever watches a primary: its own ones as it publishes them, before that the
 * one that the vault shows. Looked for once a tenure and never waited for, since the share may hang.
 */
import { listCheckpoints } from "../shared/checkpoint/list-checkpoints.ts";
import type { Manifest } from "../shared/checkpoint/manifest.ts";
import { readManifest } from "../shared/checkpoint/read-manifest.ts";
import { isHotspareError } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Vault } from "../shared/vault/vault.ts";

export interface NewestCheckpointOptions {
  readonly pool: PoolId;
  readonly vault: Pick<Vault, "list" | "get">;
}

type Known = Pick<Manifest, "wallMs" | "head">;

export class NewestCheckpoint {
  readonly #options: NewestCheckpointOptions;
  #known: Known | null = null;
  #looking = false;
  /** The vault has answered, perhaps that there is none: then nobody but this host makes one. */
  #answered = false;
  #tenure = 0;

  constructor(options: NewestCheckpointOptions) {
    this.#options = options;
  }

  /** `null`: there is none, or it is not known yet, and is looked for. */
  get(): Known | null {
    if (this.#known === null && !this.#answered && !this.#looking) void this.#look(this.#tenure);
    return this.#known;
  }

  published(manifest: Manifest): void {
    this.#known = manifest;
  }

  /** Others publish from now on. */
  forget(): void {
    this.#known = null;
    this.#answered = false;
    this.#tenure += 1;
  }

  async #look(tenure: number): Promise<void> {
    this.#looking = true;
    try {
      const found = await this.#find();
      if (tenure !== this.#tenure) return;
      this.#known ??= found;
      this.#answered = true;
    } catch (error) {
      // The share is away: who watches sees that elsewhere, and asks again.
      if (!isHotspareError(error)) throw error;
    } finally {
      this.#looking = false;
    }
  }

  async #find(): Promise<Known | null> {
    const { vault, pool } = this.#options;
    const [newest] = await listCheckpoints(vault, pool);
    const read = newest && (await readManifest(vault, pool, newest));
    return read?.type === "manifest" ? read.manifest : null;
  }
}
