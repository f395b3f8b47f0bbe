/**
 * Small local files that are there whole or not at all, also after a power cut: written beside their place, synced, then
 * named. For the configuration and the secret; the vault has its own way.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";

export interface FileContent {
  readonly text: string;
  /** Permission bits, such as `0o600`, less what the process's umask takes. */
  readonly mode: number;
}

/** Creates `file`; `false`, and nothing is changed, if the name is taken. Throws what the file system says. */
export function createFile(file: string, content: FileContent): boolean {
  return place(file, content, (temporary) => {
    try {
      linkSync(temporary, file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  });
}

/**
 * Replaces `file`, if `allowed` still agrees when the new contents are safe. Mode, owner and group stay, whoever does it: those
 * who could read it still can. Throws what it or the file system says.
 */
export function replaceFile(file: string, text: string, allowed: () => void): void {
  place(file, { text, mode: 0o600, like: statSync(file) }, (temporary) => {
    allowed();
    renameSync(temporary, file);
  });
}

/** `like`: whose mode, owner and group it gets. */
type Content = FileContent & { readonly like?: Stats };

function place<T>(file: string, content: Content, name: (temporary: string) => T): T {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeDurably(temporary, content);
    const result = name(temporary);
    syncFolder(dirname(file));
    return result;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What an earlier process of the same number left is removed first: an open with `wx` never follows a link. */
function writeDurably(file: string, { text, mode, like }: Content): void {
  rmSync(file, { force: true });
  const descriptor = openSync(file, "wx", mode);
  try {
    writeFileSync(descriptor, text);
    if (like) makeLike(descriptor, like);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function makeLike(descriptor: number, { uid, gid, mode }: Stats): void {
  const own = fstatSync(descriptor);
  if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o777);
}

/** Makes `folder` and those above it where they are missing, and their names durable. */
export function createFolder(folder: string, mode: number): void {
  const first = mkdirSync(folder, { recursive: true, mode });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

/** Windows cannot open a folder, and needs no sync of one. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
