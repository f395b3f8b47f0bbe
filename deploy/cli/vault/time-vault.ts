/** How long a vault takes for what a commit waits for: medians of a few tries, each step by itself. Leaves nothing behind. */
import type { Clock } from "../../../shared/clock.ts";
import type { Random } from "../../../shared/random.ts";
import { directoryIo, type DirectoryIo } from "../../../shared/vault/directory-io.ts";
import { DirectoryVault } from "../../../shared/vault/directory-vault.ts";
import { temporaryName } from "../../../shared/vault/layout.ts";

/** Milliseconds. */
export interface VaultTimes {
  /** A record of 1 KiB, from the first byte to the durable name. */
  readonly publishMs: number;
  /** Syncing its contents. */
  readonly contentsMs: number;
  readonly linkMs: number;
  /** Syncing the folder. */
  readonly folderMs: number;
  readonly tries: number;
}

const TRIES = 21;
const RECORD_BYTES = 1024;
const TOKEN_BYTES = 16;

/** @throws {HotspareError} what a put is refused with. */
export async function timeVault(
  directory: string,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<VaultTimes> {
  const spent = { publish: [] as number[], contents: [] as number[], link: [] as number[], folder: [] as number[] };
  const timed = <T>(times: number[], run: () => T): T => {
    const beganMs = clock.monotonicMs();
    const result = run();
    times.push(clock.monotonicMs() - beganMs);
    return result;
  };
  const io: DirectoryIo = {
    ...directoryIo,
    fdatasyncSync: (fd) => timed(spent.contents, () => directoryIo.fdatasyncSync(fd)),
    linkSync: (existing, path) => timed(spent.link, () => directoryIo.linkSync(existing, path)),
    fsyncSync: (fd) => timed(spent.folder, () => directoryIo.fsyncSync(fd)),
  };
  const vault = new DirectoryVault({ directory, clock, random, io });
  try {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const name = temporaryName(random.bytes(TOKEN_BYTES).toString("hex"));
      const beganMs = clock.monotonicMs();
      const result = await vault.put(name, random.bytes(RECORD_BYTES));
      spent.publish.push(clock.monotonicMs() - beganMs);
      if ("error" in result) throw result.error;
      await vault.remove(name);
    }
  } finally {
    vault.close();
  }
  return {
    publishMs: median(spent.publish),
    contentsMs: median(spent.contents),
    linkMs: median(spent.link),
    folderMs: median(spent.folder),
    tries: TRIES,
  };
}

function median(times: readonly number[]): number {
  const middle = times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
  return Math.round(middle * 1000) / 1000;
}
