/**
 * What a host says of itself under `hosts/<host>.json`: where it is and which state hashes it found. Replaced in place and
 * not synced: a hint, which nobody's safety depends on. One that is damaged, foreign or too large says nothing.
 */
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import { HotspareError } from "../errors.ts";
import { parseNodeId, type NodeId } from "../ids.ts";
import { hostHintName, hostsFolder } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";

/** State hashes and restored checkpoints that a host remembers for each pool; the newest ones. */
export const MAX_CLAIMS = 16;
/** How often a host that lives writes it. */
export const HINT_INTERVAL_MS = 1000;
const MAX_HINT_BYTES = 1024 * 1024;

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Claim = Type.Object({ slot: Count, hash: Type.String({ pattern: "^[0-9a-f]{64}$" }) });

export const HostHint = Type.Object({
  host: Type.String({ minLength: 1, maxLength: 64 }),
  bootId: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  version: Type.String({ maxLength: 64 }),
  /** Counts up while the host's main thread ticks: one that stands still is silent. */
  tick: Count,
  /** For people. */
  wallMs: Type.Number(),
  pools: Type.Array(
    Type.Object({
      pool: Type.String({ minLength: 1, maxLength: 64 }),
      role: Type.String({ maxLength: 64 }),
      slot: Count,
      lsn: Count,
      /** The record that this host cannot pass; absent or `null` if there is none. */
      stuckAt: Type.Optional(Type.Union([Count, Type.Null()])),
      /** Of the own state, at marks. Forgotten when the own copy is set aside. */
      stateHashes: Type.Array(Claim, { maxItems: MAX_CLAIMS }),
      /** Checkpoints that this host restored and went on from. */
      restored: Type.Array(Claim, { maxItems: MAX_CLAIMS }),
    }),
    { maxItems: 1024 },
  ),
});

export type HostHint = Static<typeof HostHint>;

const schema = Compile(HostHint);

/** @throws {HotspareError} HS_VAULT_IO. */
export async function writeHostHint(vault: Vault, hint: HostHint): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(hint)}\n`);
  if (bytes.length > MAX_HINT_BYTES)
    throw new HotspareError("HS_INTERNAL", { what: `a hint of ${bytes.length} bytes` });
  await vault.hint(hostHintName(parseNodeId(hint.host)), bytes);
}

/** What `host` last said; `null` if it says nothing that can be read. @throws {HotspareError} HS_VAULT_IO. */
export async function readHostHint(vault: Pick<Vault, "get">, host: NodeId): Promise<HostHint | null> {
  const bytes = await vault.get(hostHintName(host), { offset: 0, maxBytes: MAX_HINT_BYTES + 1 });
  if (!bytes || bytes.length > MAX_HINT_BYTES) return null;
  const hint = parse(bytes);
  return schema.Check(hint) && hint.host === host ? hint : null;
}

/** What all hosts last said, in the order of their names. @throws {HotspareError} HS_VAULT_IO. */
export async function readHostHints(vault: Vault): Promise<readonly HostHint[]> {
  const hints: HostHint[] = [];
  for (const name of await vault.list(hostsFolder)) {
    const host = hostOf(name);
    const hint = host && (await readHostHint(vault, host));
    if (hint) hints.push(hint);
  }
  return hints;
}

function hostOf(name: string): NodeId | null {
  if (!name.endsWith(".json")) return null;
  try {
    return parseNodeId(name.slice(0, -".json".length));
  } catch {
    return null; // Whatever else lies there is not a host's.
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null; // Torn: it is not synced.
  }
}
