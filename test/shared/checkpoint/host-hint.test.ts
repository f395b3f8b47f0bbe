import { expect, test } from "vitest";
import { readHostHint, readHostHints, writeHostHint, type HostHint } from "../../../shared/checkpoint/host-hint.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { hostHintName } from "../../../shared/vault/layout.ts";
import { MemoryVault } from "../../../shared/vault/memory-vault.ts";
import { systemRandom } from "../../../shared/random.ts";

const A = parseNodeId("host-a");
const B = parseNodeId("host-b");

const hint = (host: string): HostHint => ({
  host,
  bootId: "1".repeat(32),
  version: "0.1.0",
  tick: 3,
  wallMs: 0,
  pools: [
    { pool: "main", role: "standby", slot: 4, lsn: 5, stateHashes: [{ slot: 4, hash: "a".repeat(64) }], restored: [] },
  ],
});

test("what a host says is read back, and replaced by what it says next", async () => {
  const vault = new MemoryVault({ random: systemRandom });
  await writeHostHint(vault, hint("host-a"));
  await writeHostHint(vault, { ...hint("host-a"), tick: 4 });
  await writeHostHint(vault, hint("host-b"));
  expect(await readHostHint(vault, A)).toEqual({ ...hint("host-a"), tick: 4 });
  expect((await readHostHints(vault)).map(({ host }) => host)).toEqual(["host-a", "host-b"]);
});

test("torn, foreign, oversized or ill-typed: it says nothing, and the others are heard", async () => {
  const vault = new MemoryVault({ random: systemRandom });
  await writeHostHint(vault, hint("host-b"));
  const text = JSON.stringify(hint("host-a"));
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from(text.slice(0, 50)),
    Buffer.from(JSON.stringify(hint("host-b"))),
    Buffer.from(`${text}${" ".repeat(2_000_000)}`),
    Buffer.from(JSON.stringify({ ...hint("host-a"), pools: "none" })),
  ]) {
    await vault.hint(hostHintName(A), bytes);
    expect(await readHostHint(vault, A)).toBeNull();
    expect(await readHostHints(vault)).toEqual([hint("host-b")]);
  }
  expect(await readHostHint(vault, B)).toEqual(hint("host-b"));
});

test("what else lies in the folder is no host's", async () => {
  const vault = new MemoryVault({ random: systemRandom });
  await vault.hint("hosts/host-a.probe" as never, Buffer.from("{}"));
  expect(await readHostHints(vault)).toEqual([]);
});
