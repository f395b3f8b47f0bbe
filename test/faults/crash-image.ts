/**
 * What a vault's disk would hold if the power failed at one instant: the vault lies on an ext4 in an image file, which lies
 * on an XFS that copies a file at one instant (reflink). Each copy, mounted, replays the file system's own journal, as the
 * machine would after the power cut; what was not synced is not there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { makeImage, mountImage } from "./loop-image.ts";
import type { Mount } from "./mount.ts";
import { shellCommand } from "./shell-command.ts";

/** One copy, and what had been acknowledged before it was begun. */
export interface CrashImage {
  readonly file: string;
  readonly acknowledged: readonly string[];
}

export class CrashImages {
  readonly #folder: string;
  #copies = 0;

  /** Makes the file system that holds them; it ends with the test. */
  static async make(): Promise<CrashImages> {
    const folder = mkdtempSync(join(tmpdir(), "hotspare-images-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await makeImage(join(folder, "outer.xfs"), "xfs");
    const outer = await mountImage(join(folder, "outer.xfs"), join(folder, "outer"));
    onTestFinished(() => outer.end());
    await makeImage(join(folder, "outer", "vault.ext4"), "ext4");
    return new CrashImages(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** The disk in use. */
  mount(point: string): Promise<Mount> {
    return mountImage(this.#path("vault.ext4"), point);
  }

  /** Copies the disk as it is at one instant after this was called. */
  async take(acknowledged: readonly string[]): Promise<CrashImage> {
    this.#copies += 1;
    const file = this.#path(`${this.#copies}.ext4`);
    await shellCommand("cp", "--reflink=always", this.#path("vault.ext4"), file);
    return { file, acknowledged };
  }

  #path(name: string): string {
    return join(this.#folder, "outer", name);
  }
}
