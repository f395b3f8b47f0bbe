/**
 * What kind of file system a path lies on, from `/proc/self/mountinfo`: on some, a lookup that finds nothing is the truth,
 * on others it may be half a minute old. Where it cannot be told, the answer is `null` and the careful way is taken.
 */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";

export interface FileSystem {
  /** As the kernel names it: `ext4`, `nfs4`; `unknown` where there is no mountinfo. */
  readonly type: string;
  readonly mountPoint: string;
  readonly source: string;
  /** Of the mount and of the file system behind it. */
  readonly options: readonly string[];
}

const EXACT_LOOKUPS = new Set(["ext4", "xfs", "btrfs", "tmpfs"]);
const NFS = new Set(["nfs", "nfs4"]);
/** Revalidate what was not there. mountinfo writes `pos` for what mount(8) calls `positive`. */
const REVALIDATING = new Set(["lookupcache=pos", "lookupcache=positive", "lookupcache=none"]);
const OTHER_NETWORK = "cifs smb3 smbfs 9p virtiofs ceph glusterfs lustre afs beegfs gpfs ocfs2 gfs2".split(" ");
const NETWORK = new Set([...NFS, ...OTHER_NETWORK]);

const UNKNOWN: FileSystem = { type: "unknown", mountPoint: "/", source: "none", options: [] };

/** The file system of `path`, or of the nearest folder above it that exists. Follows symbolic links. */
export function fileSystemOf(path: string): FileSystem {
  try {
    return findMount(parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")), nearestReal(path)) ?? UNKNOWN;
  } catch {
    return UNKNOWN; // Not Linux, or no /proc: nothing rests on knowing it.
  }
}

/**
 * Whether a lookup that finds nothing proves that nothing was there (`reads: check`). An allow-list: overlay is not on it,
 * since its lower layers may change unseen.
 */
export function isLinearizable({ type, options }: FileSystem): boolean {
  if (EXACT_LOOKUPS.has(type)) return true;
  return NFS.has(type) && options.some((option) => REVALIDATING.has(option));
}

/** Whether other machines may write there; a host's own data must not lie on such a one. */
export const isNetwork = ({ type }: FileSystem): boolean =>
  NETWORK.has(type) || type === "fuse" || type.startsWith("fuse.");

/** All mounts of a mountinfo text, in its order. Lines that are not understood are left out. */
export function parseMountInfo(text: string): readonly FileSystem[] {
  return text.split("\n").flatMap((line) => parseLine(line) ?? []);
}

/** The mount that `path` (absolute, without links) lies on: the deepest one, and of several on one place the last. */
export function findMount(mounts: readonly FileSystem[], path: string): FileSystem | null {
  let found: FileSystem | null = null;
  for (const mount of mounts) {
    if (!isBelow(path, mount.mountPoint)) continue;
    if (found === null || mount.mountPoint.length >= found.mountPoint.length) found = mount;
  }
  return found;
}

/** Whether `path` is `folder` or lies in it. Both absolute and without links. */
export function isBelow(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** The real path of `path`; of what does not exist yet, below the real path of the nearest folder that does. */
export function nearestReal(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute
      ? absolute
      : resolve(nearestReal(parent), absolute.slice(parent.length).replace(/^\//, ""));
  }
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` (proc_pid_mountinfo(5)). */
function parseLine(line: string): FileSystem | null {
  const [before, after] = line.split(" - ");
  const mountPoint = before?.split(" ")[4];
  const own = before?.split(" ")[5];
  const [type, source, behind] = after?.split(" ") ?? [];
  if (!mountPoint || !own || !type || source === undefined) return null;
  const options = [...own.split(","), ...(behind ?? "").split(",")].filter((option) => option !== "");
  return { type, mountPoint: unescape(mountPoint), source: unescape(source), options };
}

/** Spaces and the like are written in octal. */
const unescape = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
