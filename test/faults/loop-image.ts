/**
 * A file system in an image file, as a disk of its own: it can be taken away, stopped with all that is not written yet, or
 * copied at one instant. The image is sparse: it costs what is written to it.
 */
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { mountAt, type Mount } from "./mount.ts";
import { shellCommand } from "./shell-command.ts";

export type ImageKind = "ext4" | "xfs";

/** Smallest that `mkfs` makes of each. */
const SIZE_BYTES: Readonly<Record<ImageKind, number>> = { ext4: 200 * 1024 * 1024, xfs: 1024 * 1024 * 1024 };

/** Makes a new file system in `file`, which is absent before. */
export async function makeImage(file: string, kind: ImageKind): Promise<void> {
  const fd = openSync(file, "wx");
  ftruncateSync(fd, SIZE_BYTES[kind]);
  closeSync(fd);
  if (kind === "ext4") await shellCommand("mkfs.ext4", "-q", "-F", file);
  else await shellCommand("mkfs.xfs", "-q", "-m", "reflink=1", file);
}

/** Mounts the file system in `file`; its journal is replayed, as after a power cut. */
export const mountImage = (file: string, point: string): Promise<Mount> => mountAt(point, "-o", "loop", file);

/** The same of a copy, while the first may still be mounted somewhere: XFS refuses two of one identity otherwise. */
export const mountCopy = (file: string, point: string, kind: ImageKind): Promise<Mount> =>
  mountAt(point, "-o", kind === "xfs" ? "loop,nouuid" : "loop", file);

/** An ext4 finds an error of its disk: from now on it is read-only, whatever is open for writing. */
export const abort = (point: string): Promise<string> =>
  shellCommand("mount", "-o", "remount,errors=remount-ro,abort", point);

/** The disk behind `point` dies: from now on everything that would write fails with EIO, what is cached is still shown. */
export const shutDown = (point: string): Promise<string> => shellCommand("xfs_io", "-x", "-c", "shutdown", point);
