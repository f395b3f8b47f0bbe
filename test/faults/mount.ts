/**
 * A file system of a test's own at one mount point: in memory, or in an image file. Whoever mounts it ends it; the end is
 * lazy, so that neither a process that still has a file open nor one that hangs in it can keep it.
 */
import { mkdirSync } from "node:fs";
import { shellCommand } from "./shell-command.ts";

export interface Mount {
  /** Where it is seen. */
  readonly point: string;
  /** Takes it out of the tree, whoever still uses it. Idempotent. */
  end(): Promise<void>;
}

/** Mounts with mount(8) and these arguments, the mount point being the last of them. */
export async function mountAt(point: string, ...args: readonly string[]): Promise<Mount> {
  mkdirSync(point, { recursive: true });
  await shellCommand("mount", ...args, point);
  return { point, end: () => unmount(point) };
}

/** A file system in memory with so much room. */
export const mountMemory = (point: string, options: string): Promise<Mount> =>
  mountAt(point, "-t", "tmpfs", "-o", options, "tmpfs");

/** Shows `source` at `point` too. */
export const mountBound = (source: string, point: string): Promise<Mount> => mountAt(point, "--bind", source);

export async function unmount(point: string): Promise<void> {
  await shellCommand("umount", "--lazy", point).catch((error: unknown) => {
    if (!String(error).includes("not mounted")) throw error;
  });
}
