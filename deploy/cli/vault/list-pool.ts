/** What a pool has in the vault, for people: runs of records by kind, checkpoints with who vouches for them, receipts. */
import { readHostHint } from "../../../shared/checkpoint/host-hint.ts";
import type { CheckpointId } from "../../../shared/checkpoint/manifest-codec.ts";
import { readManifest } from "../../../shared/checkpoint/read-manifest.ts";
import type { NodeId, PoolId, Sha256 } from "../../../shared/ids.ts";
import { PEEK_BYTES, peekKind } from "../../../shared/journal/record-codec.ts";
import type { JournalRecord } from "../../../shared/journal/record.ts";
import { slot, type Slot } from "../../../shared/position.ts";
import { recordName } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { attest, type Claim } from "../../../host/core/attestation.ts";
import { listReceipts, type ListedReceipt } from "./list-receipts.ts";
import { listPoolFiles } from "./pool-files.ts";

export interface ListOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  /** All configured hosts: only their word on a checkpoint counts. */
  readonly hosts: readonly NodeId[];
  readonly progress?: (done: number, total: number) => void;
}

type Kinds = Readonly<Record<JournalRecord["kind"] | "unreadable", number>>;

/** Records without a gap between them. */
export interface RecordRun extends Kinds {
  readonly from: Slot;
  readonly to: Slot;
  readonly records: number;
}

/** `null` fields: the manifest cannot be read. */
export interface ListedCheckpoint extends CheckpointId {
  readonly wallMs: number | null;
  readonly bytes: number | null;
  readonly imageBytes: number | null;
  readonly by: string | null;
  readonly reason: string | null;
  /** Another host with the same state there; `null`: nobody said so yet. */
  readonly attestedBy: string | null;
  /** A host that found another state there. */
  readonly contradictedBy: string | null;
}

export interface PoolListing {
  readonly pool: PoolId;
  readonly records: readonly RecordRun[];
  /** Newest first. */
  readonly checkpoints: readonly ListedCheckpoint[];
  readonly receipts: readonly ListedReceipt[];
}

const READS = 16;
const NONE: Kinds = { batch: 0, fence: 0, release: 0, format: 0, unreadable: 0 };

/** @throws {HotspareError} HS_VAULT_IO. */
export async function listPool(options: ListOptions): Promise<PoolListing> {
  const { vault, pool } = options;
  const { slots, checkpoints: ids } = await listPoolFiles(vault, pool);
  const claims = await claimsOf(options);
  const checkpoints: ListedCheckpoint[] = [];
  for (const id of ids) checkpoints.push(await describe(options, id, claims));
  return { pool, records: await runsOf(options, slots), checkpoints, receipts: await listReceipts(vault, pool) };
}

async function runsOf({ vault, pool, progress }: ListOptions, slots: readonly Slot[]): Promise<readonly RecordRun[]> {
  const runs: RecordRun[] = [];
  for (let index = 0; index < slots.length; index += READS) {
    const some = slots.slice(index, index + READS);
    const peeks = await Promise.all(
      some.map((at) =>
        vault.get(recordName(pool, at), { offset: 0, maxBytes: PEEK_BYTES }).catch(() => Buffer.alloc(0)),
      ),
    );
    for (const [offset, at] of some.entries()) {
      const bytes = peeks[offset];
      if (bytes) addTo(runs, at, peekKind(bytes) ?? "unreadable");
    }
    progress?.(index, slots.length);
  }
  return runs;
}

function addTo(runs: RecordRun[], at: Slot, kind: keyof Kinds): void {
  const last = runs.at(-1);
  const run = last?.to === at - 1 ? runs.pop() : undefined;
  const { from, records } = run ?? { from: at, records: 0 };
  const kinds: Kinds = run ?? NONE;
  runs.push({ ...NONE, ...kinds, from, to: at, records: records + 1, [kind]: kinds[kind] + 1 });
}

async function describe(
  { vault, pool }: ListOptions,
  { slot: at, stateHash }: CheckpointId,
  claims: readonly Claim[],
): Promise<ListedCheckpoint> {
  const unknown = { wallMs: null, bytes: null, imageBytes: null, by: null, reason: null };
  const read = await readManifest(vault, pool, { slot: at, stateHash });
  if (read.type !== "manifest") return { slot: at, stateHash, ...unknown, attestedBy: null, contradictedBy: null };
  const { wallMs, fileBytes, imageBytes, by, reason } = read.manifest;
  const word = attest({ slot: at, stateHash }, by as NodeId, claims);
  return {
    slot: at,
    stateHash,
    wallMs,
    bytes: fileBytes,
    imageBytes,
    by,
    reason,
    attestedBy: word.type === "attested" ? word.by : null,
    contradictedBy: word.type === "contradicted" ? word.by : null,
  };
}

/** What the hosts say of states and checkpoints, in their hints. */
async function claimsOf({ vault, pool, hosts }: ListOptions): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (const host of hosts) {
    const own = (await readHostHint(vault, host))?.pools.find((entry) => entry.pool === pool);
    const claim = (how: Claim["how"]) => (said: { readonly slot: number; readonly hash: string }) =>
      claims.push({ host, slot: slot(said.slot), hash: said.hash as Sha256, how });
    own?.stateHashes.forEach(claim("hashed"));
    own?.restored.forEach(claim("restored"));
  }
  return claims;
}
