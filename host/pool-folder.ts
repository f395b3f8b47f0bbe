/**
 * A pool's part of a host's data folder:
 *
 *     pools/<pool>/current       number of the generation in use
 *     pools/<pool>/<n>/state.db  a generation: one copy of the state, with its write-ahead log
 *     pools/<pool>/aside-<n>/    a copy that is not history, kept for people
 *     pools/<pool>/images/       checkpoints in the making
 *     pools/<pool>/attest/       a checkpoint that is being tried
 *
 * A restore goes into a new generation, and the pointer is switched when it is whole and durable: never a database beside
 * an old write-ahead log. A crash anywhere leaves the old generation or the new one in use, never a mixture.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { assert } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";

export interface Generation {
  readonly number: number;
  readonly folder: string;
  /** The store's database. */
  readonly file: string;
}

/** Copies set aside that are kept; older ones go. */
const ASIDE_KEPT = 2;
const NUMBER = /^[1-9]\d{0,8}$/;
const ASIDE = /^aside-([1-9]\d{0,8})$/;
const POINTER = "current";

export class PoolFolder {
  readonly #folder: string;

  /** Makes the folder. @throws system errors of the local disk, as all methods do. */
  constructor(dataFolder: string, pool: PoolId) {
    this.#folder = join(dataFolder, "pools", pool);
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Of the image worker alone. */
  get imagesFolder(): string {
    return join(this.#folder, "images");
  }

  /** Where a checkpoint is restored to find out whether it is sound. */
  get attestFolder(): string {
    return join(this.#folder, "attest");
  }

  /** The generation in use; `null` if there is none. */
  current(): Generation | null {
    const number = this.#pointer();
    return number !== null && this.#numbers(NUMBER).includes(number) ? this.#generation(number) : null;
  }

  /** A new, empty generation, which nobody uses before `switchTo`. */
  create(): Generation {
    const used = [...this.#numbers(NUMBER), ...this.#numbers(ASIDE), this.#pointer() ?? 0];
    const generation = this.#generation(Math.max(...used) + 1);
    mkdirSync(generation.folder);
    return generation;
  }

  /** Makes `generation`, with all that is in it, the one in use, durably; then removes all others. */
  switchTo(generation: Generation): void {
    assert(this.#numbers(NUMBER).includes(generation.number), "a generation exists when it is switched to");
    for (const name of readdirSync(generation.folder)) syncPath(join(generation.folder, name));
    syncPath(generation.folder);
    syncPath(this.#folder);
    const temporary = join(this.#folder, `${POINTER}.new`);
    writeFileSync(temporary, `${generation.number}\n`);
    syncPath(temporary);
    renameSync(temporary, join(this.#folder, POINTER));
    syncPath(this.#folder);
    this.sweep();
  }

  /** Removes a generation that was filled in vain. */
  discard({ number }: Generation): void {
    assert(this.current()?.number !== number, "the generation in use is not discarded");
    this.#remove(String(number));
  }

  /**
   * Takes the generation in use out of use and keeps it, with the reason beside it; one that is being filled stays. The
   * store must be closed.
   * Returns its new folder; `null` if there was none.
   */
  setAside(reason: string): string | null {
    const generation = this.current();
    if (!generation) return null;
    const aside = join(this.#folder, `aside-${generation.number}`);
    writeFileSync(join(generation.folder, "reason.txt"), `${reason}\n`);
    // The pointer may stay: it points nowhere now, and its number is not given again.
    renameSync(generation.folder, aside);
    syncPath(this.#folder);
    this.#sweepAside();
    return aside;
  }

  /**
   * Removes what a crash or a restore left: generations that are not in use, and old copies set aside. Not while a restore
   * fills one.
   */
  sweep(): void {
    const inUse = this.current()?.number;
    for (const number of this.#numbers(NUMBER)) if (number !== inUse) this.#remove(String(number));
    this.#sweepAside();
  }

  #sweepAside(): void {
    const asides = this.#numbers(ASIDE).toSorted((one, other) => other - one);
    for (const number of asides.slice(ASIDE_KEPT)) this.#remove(`aside-${number}`);
  }

  #generation(number: number): Generation {
    const folder = join(this.#folder, String(number));
    return { number, folder, file: join(folder, "state.db") };
  }

  #pointer(): number | null {
    try {
      const text = readFileSync(join(this.#folder, POINTER), "utf8").trim();
      return NUMBER.test(text) ? Number(text) : null;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  }

  #numbers(pattern: RegExp): number[] {
    return readdirSync(this.#folder).flatMap((name) => {
      const match = pattern.exec(name);
      return match ? [Number(match[1] ?? match[0])] : [];
    });
  }

  #remove(name: string): void {
    rmSync(join(this.#folder, name), { recursive: true, force: true });
  }
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
