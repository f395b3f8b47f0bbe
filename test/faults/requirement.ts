/**
 * What a fault needs of the machine: each is tried, not guessed by name, because a program that is there may still not be
 * allowed to do its work. Where one is missing its tests are skipped, with one line that says which.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { whyNoWallClocks } from "../chaos/wall-clocks.ts";

export type Requirement = "strace" | "bindfs" | "tmpfs" | "ext4" | "xfs" | "xfs_io" | "prlimit" | "faketime";

/** What is told where it cannot be had. */
const NAMES: Readonly<Record<Requirement, string>> = {
  strace: "strace and the right to trace",
  bindfs: "bindfs, /dev/fuse and the right to mount",
  tmpfs: "the right to mount a tmpfs",
  ext4: "mkfs.ext4, loop devices and the right to mount",
  xfs: "mkfs.xfs, XFS with reflinks, loop devices and the right to mount",
  xfs_io: "xfs_io",
  prlimit: "prlimit",
  faketime: "libfaketime (Debian package faketime)",
};

const MEGABYTE = 1024 * 1024;

/** Tests that need something of the machine, or one line about why they are skipped. */
export function describeWith(requirements: readonly Requirement[], name: string, tests: () => void): void {
  const missing = requirements.filter((requirement) => !isThere(requirement)).map((requirement) => NAMES[requirement]);
  if (missing.length > 0) process.stderr.write(`skipped: ${name}: needs ${missing.join("; ")}\n`);
  describe.skipIf(missing.length > 0)(name, tests);
}

function isThere(requirement: Requirement): boolean {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-requirement-"));
  try {
    return tryOut(requirement, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryOut(requirement: Requirement, folder: string): boolean {
  switch (requirement) {
    case "strace":
      return runs(
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=fsync",
        "-e",
        "inject=fsync:error=EIO",
        "-o",
        "/dev/null",
        "true",
      );
    case "bindfs":
      return existsSync("/dev/fuse") && mounts(folder, "bindfs", "--no-allow-other", "/usr");
    case "tmpfs":
      return mounts(folder, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs");
    case "ext4":
      return mountsImage(folder, 16 * MEGABYTE, "mkfs.ext4", "-q", "-F");
    case "xfs":
      return mountsImage(folder, 1024 * MEGABYTE, "mkfs.xfs", "-q", "-m", "reflink=1");
    case "xfs_io":
      return runs("xfs_io", "-V");
    case "prlimit":
      return runs("prlimit", "--pid", String(process.pid), "--nofile");
    case "faketime":
      return whyNoWallClocks() === null;
  }
}

const runs = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0;

function mounts(folder: string, program: string, ...args: readonly string[]): boolean {
  return runs(program, ...args, folder) && runs("umount", "--lazy", folder);
}

function mountsImage(folder: string, bytes: number, make: string, ...args: readonly string[]): boolean {
  const file = `${folder}.image`;
  try {
    writeFileSync(file, "");
    truncateSync(file, bytes);
    return runs(make, ...args, file) && mounts(folder, "mount", "-o", "loop", file);
  } finally {
    rmSync(file, { force: true });
  }
}
