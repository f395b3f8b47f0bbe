/** Vaults for tests: chance from a seed, folders that go away. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Random } from "../../../shared/random.ts";
import { systemRandom } from "../../../shared/random.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { directoryIo, type DirectoryIo } from "../../../shared/vault/directory-io.ts";
import { DirectoryVault } from "../../../shared/vault/directory-vault.ts";

/** Bytes from a seed (mulberry32); the same seed gives the same bytes. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return { bytes: (count) => Buffer.from(Array.from({ length: count }, next)) };
}

export class TestDirectory {
  readonly path = fs.mkdtempSync(path.join(os.tmpdir(), "hotspare-vault-"));

  /** A vault here; `io` replaces some of its calls. */
  open(io: Partial<DirectoryIo> = {}): DirectoryVault {
    const calls = { ...directoryIo, ...io };
    return new DirectoryVault({ directory: this.path, random: systemRandom, clock: systemClock, io: calls });
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

export function systemError(code: string, syscall = "test"): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall });
}
