import { describe, expect, it } from "vitest";
import { NewestCheckpoint } from "../../host/newest-checkpoint.ts";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parsePoolId } from "../../shared/ids.ts";

const away = new HotspareError("HS_VAULT_IO", { action: "list", name: "checkpoints", reason: "it is away" });
const MANIFEST = { wallMs: 7, head: { slot: 3 } } as Manifest;

function newest(list: () => Promise<readonly string[]>) {
  const asked: string[] = [];
  const found = new NewestCheckpoint({
    pool: parsePoolId("main"),
    vault: {
      list: (folder) => {
        asked.push(folder);
        return list();
      },
      get: () => Promise.resolve(null),
    },
  });
  return { found, asked };
}

describe("the newest checkpoint", () => {
  it("is asked of the vault one at a time: a share that hangs gets no heap of questions", () => {
    const { found, asked } = newest(() => new Promise(() => undefined));
    expect([found.get(), found.get(), found.get()]).toEqual([null, null, null]);
    expect(asked.length).toBe(1);
  });

  it("is asked for again where the share was away", async () => {
    const { found, asked } = newest(() => Promise.reject(away));
    found.get();
    await new Promise(setImmediate);
    expect(found.get()).toBeNull();
    expect(asked.length).toBe(2);
  });

  it("is not looked for again where there is none: a share is not listed each second for a metric", async () => {
    const { found, asked } = newest(() => Promise.resolve([]));
    for (let second = 0; second < 5; second += 1) {
      expect(found.get()).toBeNull();
      await new Promise(setImmediate);
    }
    expect(asked.length).toBe(1);
    found.forget();
    found.get();
    expect(asked.length).toBe(2);
  });

  it("is the own one that was published, also while the vault is still asked, until the tenure ends", () => {
    const { found } = newest(() => new Promise(() => undefined));
    found.get();
    found.published(MANIFEST);
    expect(found.get()?.head.slot).toBe(3);
    found.forget();
    expect(found.get()).toBeNull();
  });
});
