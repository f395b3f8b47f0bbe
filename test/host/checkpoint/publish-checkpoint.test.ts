import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restoreCheckpoint, type Restored } from "../../../host/checkpoint/restore-checkpoint.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { checkpointImageName, checkpointManifestName, type VaultName } from "../../../shared/vault/layout.ts";
import type { Sha256 } from "../../../shared/ids.ts";
import { MemoryCrash, MemoryVault } from "../../../shared/vault/memory-vault.ts";
import type { Content, PutResult, Vault } from "../../../shared/vault/vault.ts";
import { POOL, publish, sampleCheckpoint, type SampleCheckpoint } from "./sample-checkpoint.ts";
import { sampleHead } from "./sample-store.ts";
import { seededRandom } from "./seeded-random.ts";

let folder: string;
let old: SampleCheckpoint;
let fresh: SampleCheckpoint;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-publish-"));
  old = await sampleCheckpoint(sampleHead(5));
  fresh = await sampleCheckpoint(sampleHead(9));
});
afterAll(() => rmSync(folder, { recursive: true }));

const restore = (vault: Vault): Promise<Restored> =>
  restoreCheckpoint({ vault, pool: POOL, file: join(folder, `${(files += 1)}.db`) });
const nameOf = ({ manifest }: SampleCheckpoint, make = checkpointManifestName): VaultName =>
  make(POOL, sampleHead(manifest.head.slot).slot, manifest.stateHash as Sha256);

test("what was published is restored, newest first", async () => {
  const vault = new MemoryVault({ random: seededRandom(1) });
  expect(await publish(vault, fresh)).toEqual({ type: "published" });
  expect(await publish(vault, old)).toEqual({ type: "published" });
  const restored = await restore(vault);
  expect(restored).toMatchObject({ type: "restored", head: sampleHead(9), skipped: [] });
});

test("a crash after every single step of publishing: the newest valid checkpoint is the old or the new one, whole", async () => {
  let steps = 0;
  const counting = new MemoryVault({ random: seededRandom(1), step: () => (steps += 1) });
  await publish(counting, old);
  const before = steps;
  await publish(counting, fresh);
  expect(steps - before).toBeGreaterThan(8);
  const outcomes = new Set<number>();
  for (let crashAt = before + 1; crashAt <= steps; crashAt += 1) {
    for (const seed of [1, 2, 3]) {
      let step = 0;
      const vault = new MemoryVault({
        random: seededRandom(1),
        step: () => {
          if ((step += 1) === crashAt) throw new MemoryCrash();
        },
      });
      await publish(vault, old);
      const crashed = await publish(vault, fresh).catch((error: unknown) => error);
      vault.crash(seededRandom(seed));
      const after = await restore(new MemoryVault({ random: seededRandom(2), disk: vault.disk }));
      if (after.type !== "restored") throw new Error(`step ${crashAt}, seed ${seed}: ${after.type}`);
      outcomes.add(after.head.slot);
      if (!(crashed instanceof MemoryCrash)) expect(after.head.slot, `step ${crashAt}`).toBe(9);
    }
  }
  expect(outcomes).toEqual(new Set([5, 9]));
});

test("a crashed publish is begun again and ends well", async () => {
  for (let crashAt = 1; crashAt < 40; crashAt += 1) {
    let step = 0;
    const vault = new MemoryVault({
      random: seededRandom(1),
      step: () => {
        if ((step += 1) === crashAt) throw new MemoryCrash();
      },
    });
    await publish(vault, fresh).catch(() => undefined);
    vault.crash(seededRandom(crashAt));
    const again = new MemoryVault({ random: seededRandom(2), disk: vault.disk });
    expect(await publish(again, fresh), `step ${crashAt}`).toEqual({ type: "published" });
  }
});

/** A vault whose puts end as `outcome` says. */
function withPut(vault: MemoryVault, outcome: (name: VaultName, content: Content) => Promise<PutResult>): Vault {
  return new Proxy<Vault>(vault, {
    get: (target, property) => {
      if (property === "put") return outcome;
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("outcome of a put unknown", () => {
  const error = new HotspareError("HS_VAULT_IO", { action: "publish", name: "x", reason: "lost reply" });

  test("done, and the reply lost: read back, own, published", async () => {
    const memory = new MemoryVault({ random: seededRandom(1) });
    const vault = withPut(memory, async (name, content) => {
      await memory.put(name, content);
      return { type: "unknown", error };
    });
    expect(await publish(vault, fresh)).toEqual({ type: "published" });
  });

  test("not done: the same name and bytes again", async () => {
    const memory = new MemoryVault({ random: seededRandom(1) });
    const calls: string[] = [];
    const vault = withPut(memory, async (name, content) => {
      calls.push(name);
      return calls.filter((call) => call === name).length < 3 ? { type: "unknown", error } : memory.put(name, content);
    });
    expect(await publish(vault, fresh)).toEqual({ type: "published" });
    expect(calls).toHaveLength(6);
  });

  test("never known: failed, with the error", async () => {
    const memory = new MemoryVault({ random: seededRandom(1) });
    const vault = withPut(memory, () => Promise.resolve({ type: "unknown", error }));
    expect(await publish(vault, fresh)).toEqual({ type: "failed", error });
  });
});

test("another file under the image's name: failed, and no manifest speaks for it", async () => {
  const vault = new MemoryVault({ random: seededRandom(1) });
  await vault.put(nameOf(fresh, checkpointImageName), Buffer.from("something else"));
  expect(await publish(vault, fresh)).toMatchObject({ type: "failed", error: { code: "HS_CHECKPOINT_INVALID" } });
  expect(await vault.get(nameOf(fresh), { offset: 0, maxBytes: 1 })).toBeNull();
});

test("what comes back differs from what was written: failed, and no manifest speaks for it", async () => {
  const memory = new MemoryVault({ random: seededRandom(1) });
  const vault = withPut(memory, (name, content) => {
    const bytes = Buffer.from(content as Uint8Array);
    if (name.endsWith(".zst")) bytes[100]! ^= 1;
    return memory.put(name, bytes);
  });
  expect(await publish(vault, fresh)).toMatchObject({ type: "failed", error: { code: "HS_CHECKPOINT_INVALID" } });
  expect(await memory.get(nameOf(fresh), { offset: 0, maxBytes: 1 })).toBeNull();
});

test("the folder's sync failed: undurable, so that the host steps down", async () => {
  const memory = new MemoryVault({ random: seededRandom(1) });
  const error = new HotspareError("HS_VAULT_IO", { action: "sync", name: "x", reason: "EIO" });
  const vault = withPut(memory, () => Promise.resolve({ type: "undurable", error }));
  expect(await publish(vault, fresh)).toEqual({ type: "undurable", error });
});
