import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attestInProcess, type Attested } from "../../../host/checkpoint/attest-process.ts";
import type { Sha256 } from "../../../shared/ids.ts";
import { systemRandom } from "../../../shared/random.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { slot } from "../../../shared/position.ts";
import { DirectoryVault } from "../../../shared/vault/directory-vault.ts";
import { POOL, publish, sampleCheckpoint, type SampleCheckpoint } from "./sample-checkpoint.ts";

let folder: string;
let vault: DirectoryVault;
let sample: SampleCheckpoint;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-attest-"));
  mkdirSync(join(folder, "vault"));
  vault = new DirectoryVault({ directory: join(folder, "vault"), random: systemRandom, clock: systemClock });
  sample = await sampleCheckpoint();
});
afterEach(() => {
  vault.close();
  rmSync(folder, { recursive: true });
});

const attest = (signal = new AbortController().signal): Promise<Attested> =>
  attestInProcess({
    vaultDirectory: join(folder, "vault"),
    pool: POOL,
    id: { slot: slot(sample.manifest.head.slot), stateHash: sample.manifest.stateHash as Sha256 },
    temporary: join(folder, "attest"),
    timeoutMs: 20_000,
    signal,
  });

test("a separate process restores it and finds the state it says; nothing is left behind", async () => {
  await publish(vault, sample);
  expect(await attest()).toEqual({ type: "same" });
  expect(readdirSync(folder)).toEqual(["vault"]);
});

test("it holds another state than it says", async () => {
  const stateHash = "e".repeat(64);
  sample = { ...sample, manifest: { ...sample.manifest, stateHash } };
  await publish(vault, sample);
  expect(await attest()).toMatchObject({ type: "different" });
});

test("it is not there", async () => {
  expect(await attest()).toEqual({ type: "failed", reason: "the checkpoint is not there any more" });
});

test("aborted: the process is gone, and so is its folder", async () => {
  await publish(vault, sample);
  const controller = new AbortController();
  const attesting = attest(controller.signal);
  controller.abort(new Error("enough"));
  await expect(attesting).rejects.toThrow("enough");
  expect(readdirSync(folder)).toEqual(["vault"]);
});
