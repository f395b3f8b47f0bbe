/**
 * The calls by which a directory vault touches its share: a part of `node:fs`, synchronous, so that nothing ever waits
 * in libuv's pool. An argument, so that a test can let each of them fail and the memory vault can stand in for a disk.
 */
import fs from "node:fs";

export interface FileFacts {
  readonly size: number;
  readonly mtimeMs: number;
  readonly dev: number;
  readonly ino: number;
  isFile(): boolean;
}

export interface SpaceFacts {
  readonly bsize: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** Every call throws a system error with a `code`, as `node:fs` does. */
export interface DirectoryIo {
  openSync(path: string, flags: number, mode?: number): number;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  ftruncateSync(fd: number, length: number): void;
  fdatasyncSync(fd: number): void;
  fsyncSync(fd: number): void;
  closeSync(fd: number): void;
  fstatSync(fd: number): FileFacts;
  lstatSync(path: string): FileFacts;
  linkSync(existing: string, path: string): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  mkdirSync(path: string, mode: number): unknown;
  readdirSync(path: string): string[];
  statfsSync(path: string): SpaceFacts;
}

export const directoryIo: DirectoryIo = fs;
