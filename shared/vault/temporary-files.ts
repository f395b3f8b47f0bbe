/**
 * The temporary files in which contents are made durable before they get a name. A few are prepared ahead, with room of
 * the size that recent ones had, because creating a file costs up to as much as syncing it.
 *
 * The first error of a write, sync or close is final for its file: it is never synced again, and what may be left of it
 * is swept when old. A file that could not be prepared is no error: the next put makes its own.
 */
import { closeSync, constants, openSync, readSync } from "node:fs";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { DirectoryIo } from "./directory-io.ts";
import { assert } from "../errors.ts";
import { systemCode } from "./vault-fault.ts";

/** Contents that are durable, under a name that nobody reads. */
export interface TemporaryFile {
  readonly path: string;
}

interface Prepared {
  readonly path: string;
  readonly fd: number;
  readonly roomBytes: number;
  readonly preparedMs: number;
}

export interface TemporaryFilesOptions {
  /** Path of the folder that they lie in. */
  readonly folder: string;
  readonly io: DirectoryIo;
  readonly random: Random;
  readonly clock: Clock;
}

/** Most files that lie prepared. */
const PREPARED_FILES = 8;
/** Contents above this get no prepared file; half a megabyte of zeros would cost more than it saves. */
const PREPARED_BYTES = 256 * 1024;
/** A prepared file older than this is dropped: a sweep of another host may be about to take it. */
const PREPARED_LIFE_MS = 60_000;
const BLOCK_BYTES = 4096;
/** A local file is copied and synced in pieces of this size, so that a commit never waits for more than one. */
const CHUNK_BYTES = 1024 * 1024;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const FILE_MODE = 0o660;

export class TemporaryFiles {
  readonly #options: TemporaryFilesOptions;
  readonly #prepared: Prepared[] = [];
  #roomBytes = 0;

  constructor(options: TemporaryFilesOptions) {
    this.#options = options;
  }

  /** Writes and syncs `bytes`. @throws the system error of the first call that failed; nothing of the file is used then. */
  write(bytes: Uint8Array): TemporaryFile {
    this.#roomBytes = nextRoom(this.#roomBytes, bytes.length);
    return this.#fill(this.#take(), (fd, roomBytes) => {
      this.#writeAll(fd, bytes, 0);
      if (roomBytes > bytes.length) this.#options.io.ftruncateSync(fd, bytes.length);
      this.#options.io.fdatasyncSync(fd);
    });
  }

  /** Copies and syncs a local file piece by piece, with a `pause` after each. @throws as `write`. */
  async copy(source: string, pause: () => Promise<void>): Promise<TemporaryFile> {
    const from = openSync(source, O_RDONLY | O_NOFOLLOW);
    try {
      return await this.#fillSlowly(this.#create(), (fd) => this.#copyAll(from, fd, pause));
    } finally {
      closeSync(from);
    }
  }

  /** Deletes the temporary name. What cannot be deleted is swept later. */
  drop({ path }: TemporaryFile): void {
    ignoringFaults(() => this.#options.io.unlinkSync(path));
  }

  /** Writes `bytes` and moves them over whatever is at `path`, without any sync. @throws as `write`. */
  replace(path: string, bytes: Uint8Array): void {
    const temporary = this.#fill(this.#create(), (fd) => this.#writeAll(fd, bytes, 0));
    try {
      this.#options.io.renameSync(temporary.path, path);
    } catch (error) {
      this.drop(temporary);
      throw error;
    }
  }

  /** Deletes what is older than `olderThanMs`; returns how many. @throws a system error. */
  sweep(olderThanMs: number): number {
    const { folder, io } = this.#options;
    const beforeMs = this.#shareNowMs() - olderThanMs;
    return io.readdirSync(folder).filter((name) => this.#sweepOne(`${folder}/${name}`, beforeMs)).length;
  }

  /** Prepares one file if one is missing. `true` if there is more to prepare. */
  prepareOne(): boolean {
    if (this.#roomBytes === 0 || this.#prepared.length >= PREPARED_FILES) return false;
    const before = this.#prepared.length;
    ignoringFaults(() => this.#prepare());
    return this.#prepared.length > before && this.#prepared.length < PREPARED_FILES;
  }

  /** Closes and deletes what was prepared. */
  close(): void {
    for (const prepared of this.#prepared.splice(0)) this.#discard(prepared);
  }

  #take(): Prepared {
    const { clock } = this.#options;
    for (let prepared = this.#prepared.shift(); prepared; prepared = this.#prepared.shift()) {
      if (clock.monotonicMs() - prepared.preparedMs < PREPARED_LIFE_MS) return prepared;
      this.#discard(prepared);
    }
    return this.#create();
  }

  #create(): Prepared {
    const { folder, io, random, clock } = this.#options;
    const path = `${folder}/${random.bytes(16).toString("hex")}`;
    const fd = io.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
    return { path, fd, roomBytes: 0, preparedMs: clock.monotonicMs() };
  }

  #prepare(): void {
    const file = this.#create();
    try {
      this.#writeAll(file.fd, new Uint8Array(this.#roomBytes), 0);
    } catch (error) {
      this.#discard(file);
      throw error;
    }
    this.#prepared.push({ ...file, roomBytes: this.#roomBytes });
  }

  #fill(file: Prepared, fill: (fd: number, roomBytes: number) => void): TemporaryFile {
    try {
      fill(file.fd, file.roomBytes);
    } catch (error) {
      this.#discard(file);
      throw error;
    }
    return this.#closed(file);
  }

  async #fillSlowly(file: Prepared, fill: (fd: number) => Promise<void>): Promise<TemporaryFile> {
    try {
      await fill(file.fd);
    } catch (error) {
      this.#discard(file);
      throw error;
    }
    return this.#closed(file);
  }

  /** Some shares report a failed write only here, so closing comes before the name. */
  #closed({ fd, path }: Prepared): TemporaryFile {
    try {
      this.#options.io.closeSync(fd);
    } catch (error) {
      this.drop({ path });
      throw error;
    }
    return { path };
  }

  async #copyAll(from: number, to: number, pause: () => Promise<void>): Promise<void> {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let offset = 0; ;) {
      const count = readSync(from, chunk, 0, CHUNK_BYTES, offset);
      if (count > 0) this.#writeAll(to, chunk.subarray(0, count), offset);
      this.#options.io.fdatasyncSync(to);
      if (count === 0) return;
      offset += count;
      await pause();
    }
  }

  #writeAll(fd: number, bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) {
      const count = this.#options.io.writeSync(fd, bytes, done, bytes.length - done, at + done);
      assert(count > 0, "a write of the vault makes progress");
      done += count;
    }
  }

  /** What the share stamps on a file made just now: no clock of this machine is compared with one of another. */
  #shareNowMs(): number {
    const { path } = this.#fill(this.#create(), (fd) => this.#writeAll(fd, new Uint8Array(1), 0));
    try {
      return this.#options.io.lstatSync(path).mtimeMs;
    } finally {
      this.drop({ path });
    }
  }

  #sweepOne(path: string, beforeMs: number): boolean {
    try {
      if (this.#options.io.lstatSync(path).mtimeMs >= beforeMs) return false;
      this.#options.io.unlinkSync(path);
      return true;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  #discard({ fd, path }: Prepared): void {
    ignoringFaults(() => this.#options.io.closeSync(fd));
    this.drop({ path });
  }
}

/** Room for what came last; a smaller size is believed only slowly, so that sizes that go up and down fit. */
function nextRoom(roomBytes: number, bytes: number): number {
  if (bytes > PREPARED_BYTES) return roomBytes;
  const needed = Math.ceil(Math.max(bytes, 1) / BLOCK_BYTES) * BLOCK_BYTES;
  return Math.max(needed, roomBytes - BLOCK_BYTES);
}

function ignoringFaults(act: () => void): void {
  try {
    act();
  } catch (error) {
    systemCode(error);
  }
}
