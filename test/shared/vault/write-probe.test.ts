import { afterEach, beforeEach, expect, test } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import type { NodeId } from "../../../shared/ids.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { hostsFolder } from "../../../shared/vault/layout.ts";
import { MemoryVault } from "../../../shared/vault/memory-vault.ts";
import { WriteProbe } from "../../../shared/vault/write-probe.ts";
import { FaultyVault } from "../../faulty-vault.ts";
import { until } from "../../until.ts";
import { seededRandom } from "./test-vaults.ts";

let vault: FaultyVault;
let probe: WriteProbe;
let stop: AbortController;
let running: Promise<void>;
beforeEach(() => {
  vault = new FaultyVault(new MemoryVault({ random: seededRandom(1) }));
  probe = new WriteProbe({ vault, host: "host-a" as NodeId, clock: systemClock, intervalMs: 1, timeoutMs: 20 });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
});

test("a vault that can be written to is well, as soon as that was tried", async () => {
  expect(probe.report().ok).toBe(false);
  running = probe.run(stop.signal);
  await until(() => probe.report().ok);
  expect(await vault.list(hostsFolder)).toEqual(["host-a.probe"]);
});

test("a vault that fails is not well, with the reason, and is again once it heals", async () => {
  running = probe.run(stop.signal);
  await until(() => probe.report().ok);
  vault.always("hint", { type: "ENOSPC" });
  await until(() => !probe.report().ok);
  expect(probe.report().reason).toContain("full");
  vault.heal();
  await until(() => probe.report().ok);
});

test("a folder that this process trusts no more is told apart from a vault that fails", async () => {
  running = probe.run(stop.signal);
  await until(() => probe.report().ok);
  const hint = vault.hint.bind(vault);
  vault.hint = () => Promise.reject(new HotspareError("HS_VAULT_UNDURABLE", { name: "its root", reason: "EIO" }));
  await until(() => probe.report().distrusted);
  expect(probe.report().ok).toBe(false);
  vault.hint = hint;
  await until(() => probe.report().ok && !probe.report().distrusted);
});

test("a vault that hangs is not well although no call failed, and only one call waits for it", async () => {
  vault.once("hint", { type: "hang" });
  running = probe.run(stop.signal);
  await until(() => probe.report().reason?.includes("not returned") ?? false);
  expect(vault.hanging).toBe(1);
  expect(vault.calls).toHaveLength(1);
  vault.release();
  await until(() => probe.report().ok);
});

test("it stops at once, though a call hangs", async () => {
  vault.always("hint", { type: "hang" });
  running = probe.run(stop.signal);
  await until(() => vault.hanging === 1);
  stop.abort();
  await running;
});
