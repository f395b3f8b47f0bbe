/**
 * Cleans a pool's part of the vault, as primary only. Plan, execute, check: what may go is decided by the pure
 * `core/retention-plan.ts`; the execution is idempotent, in small portions with rests between them, and asks before each
 * deletion whether this host is still the primary of the same fence. Whatever is in doubt stays.
 *
 * A record goes only after it was read and found to be an intact batch or release that is no fence of the chain.
 */
import { listCheckpoints } from "../shared/checkpoint/list-checkpoints.ts";
import type { CheckpointId } from "../shared/checkpoint/manifest-codec.ts";
import { readHostHint } from "../shared/checkpoint/host-hint.ts";
import { readManifest } from "../shared/checkpoint/read-manifest.ts";
import type { Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId, PoolId, RecordId, Sha256 } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import { slot } from "../shared/position.ts";
import { checkpointsFolder } from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Attested } from "./checkpoint/attest-process.ts";
import { attest, findDisagreement, type Claim } from "./core/attestation.ts";
import { planRetention, type CheckpointFact, type RetentionPlan } from "./core/retention-plan.ts";
import { FenceChain } from "./fence-chain.ts";
import { verifyCheckpoint } from "./checkpoint/verify-checkpoint.ts";
import { VaultCleaning } from "./vault-cleaning.ts";

export interface RetentionOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly pool: PoolId;
  /** All configured hosts: only their word on states counts. */
  readonly hosts: () => readonly NodeId[];
  /** Checkpoints that are kept. */
  readonly keep: () => number;
  readonly cleanDelayMs: () => number;
  /** Where this host is, if it serves the pool now; `null` if it does not. */
  readonly standing: () => Head | null;
  /** Restores a checkpoint in a separate process and compares, for those that no host vouches for. */
  readonly attest: (id: CheckpointId, signal: AbortSignal) => Promise<Attested>;
}

/** `unsafe`: something in the vault is not as it must be; nothing was deleted because of it. Worth an alarm. */
export type RetentionOutcome =
  | { readonly type: "not-primary" }
  | { readonly type: "kept"; readonly reason: string }
  | { readonly type: "unsafe"; readonly error: HotspareError }
  | {
      readonly type: "cleaned";
      readonly horizon: number;
      readonly records: number;
      readonly checkpoints: number;
      /** Slots of damaged records below the horizon, which stay. */
      readonly damaged: readonly number[];
    };

/** How long a checkpoint waits for another host's word before a separate process restores it. */
const ATTEST_AFTER_MS = 60 * 60_000;
const ATTEST_RETRY_MS = 60 * 60_000;

/** What this process found out about one checkpoint: none is changed once it was published. */
interface Knowledge {
  readonly firstSeenMs: number;
  maker: NodeId | null;
  /** The own fence under which it was read whole and found intact and on the chain. */
  verifiedUnder: RecordId | null;
  attestedByProcess: boolean;
  attestTriedMs: number | null;
}

export class Retention {
  readonly #options: RetentionOptions;
  readonly #chain: FenceChain;
  readonly #cleaning: VaultCleaning;
  #known = new Map<string, Knowledge>();
  #passing = false;
  /** A checkpoint that was found not to hold what it says: told once, with nothing deleted in that pass. */
  #doubt: HotspareError | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#chain = new FenceChain(options.vault, options.pool);
    this.#cleaning = new VaultCleaning(options);
  }

  /**
   * One pass; to be called now and then on the primary, and harmless on others. While one is under way, another does
   * nothing.
   * @throws {HotspareError} HS_VAULT_IO; the signal's reason.
   */
  async pass(signal: AbortSignal): Promise<RetentionOutcome> {
    if (this.#passing) return { type: "kept", reason: "a pass is under way" };
    this.#passing = true;
    try {
      return await this.#pass(signal);
    } finally {
      this.#passing = false;
    }
  }

  async #pass(signal: AbortSignal): Promise<RetentionOutcome> {
    const ids = await this.#list();
    const head = this.#options.standing();
    if (!head) return { type: "not-primary" };
    const walk = await this.#chain.walk(head.fence, signal);
    if (walk.type === "broken") return { type: "unsafe", error: walk.error };
    const claims = await this.#claims();
    const facts = await this.#facts(ids, head, claims, signal);
    const doubt = this.#doubt;
    this.#doubt = null;
    if (doubt) return { type: "unsafe", error: doubt };
    const { cleanDelayMs, keep, clock } = this.#options;
    const plan = planRetention({
      nowMs: clock.monotonicMs(),
      cleanDelayMs: cleanDelayMs(),
      keep: keep(),
      headSlot: head.slot,
      checkpoints: facts,
      disagreement: findDisagreement(claims),
    });
    if (plan.type === "keep") return { type: "kept", reason: plan.reason };
    return this.#execute(plan, head, signal);
  }

  /** Listed afresh, and made durable before anything is deleted on the strength of it. */
  async #list(): Promise<readonly CheckpointId[]> {
    const { vault, pool, clock } = this.#options;
    const ids = await listCheckpoints(vault, pool);
    await vault.sync(checkpointsFolder(pool));
    const firstSeenMs = clock.monotonicMs();
    this.#known = new Map(ids.map((id) => [keyOf(id), this.#known.get(keyOf(id)) ?? unknown(firstSeenMs)]));
    return ids;
  }

  async #claims(): Promise<readonly Claim[]> {
    const { vault, pool, hosts } = this.#options;
    const claims: Claim[] = [];
    for (const host of hosts()) {
      const hint = await readHostHint(vault, host);
      const own = hint?.pools.find((report) => report.pool === pool);
      const claim = (how: Claim["how"]) => (said: { slot: number; hash: string }) =>
        claims.push({ host, slot: slot(said.slot), hash: said.hash as Sha256, how });
      own?.stateHashes.forEach(claim("hashed"));
      own?.restored.forEach(claim("restored"));
    }
    return claims;
  }

  /** Newest first, and only as many as can be retained: each of those is read whole, once under each own fence. */
  async #facts(
    ids: readonly CheckpointId[],
    head: Head,
    claims: readonly Claim[],
    signal: AbortSignal,
  ): Promise<readonly CheckpointFact[]> {
    const { clock, cleanDelayMs, keep } = this.#options;
    const facts: CheckpointFact[] = [];
    const wanted = Math.max(2, keep());
    let retained = 0;
    for (const id of ids) {
      const known = this.#knowledge(id);
      const attested = retained < wanted && (await this.#attest(id, known, claims, signal));
      const verified = attested && (await this.#verify(id, known, head, signal));
      facts.push({ ...id, firstSeenMs: known.firstSeenMs, verified, attested });
      const aged = clock.monotonicMs() - known.firstSeenMs >= cleanDelayMs();
      if (verified && (aged || retained > 0)) retained += 1;
    }
    return facts;
  }

  async #attest(id: CheckpointId, known: Knowledge, claims: readonly Claim[], signal: AbortSignal): Promise<boolean> {
    const { vault, pool, clock } = this.#options;
    if (known.maker === null) {
      const read = await readManifest(vault, pool, id);
      if (read.type !== "manifest") return false;
      known.maker = read.manifest.by as NodeId;
    }
    const word = attest(id, known.maker, claims);
    if (word.type !== "unattested") return word.type === "attested";
    const nowMs = clock.monotonicMs();
    if (known.attestedByProcess || nowMs - known.firstSeenMs < ATTEST_AFTER_MS) return known.attestedByProcess;
    if (known.attestTriedMs !== null && nowMs - known.attestTriedMs < ATTEST_RETRY_MS) return false;
    known.attestTriedMs = nowMs;
    const attested = await this.#options.attest(id, signal);
    known.attestedByProcess = attested.type === "same";
    if (attested.type === "different") {
      const reason = `restored, it holds the state ${attested.stateHash}`;
      this.#doubt = new HotspareError("HS_CHECKPOINT_INVALID", { name: keyOf(id), reason });
    }
    return known.attestedByProcess;
  }

  async #verify(id: CheckpointId, known: Knowledge, head: Head, signal: AbortSignal): Promise<boolean> {
    if (known.verifiedUnder === head.fence.id) return true;
    const { vault, pool } = this.#options;
    const verified = await verifyCheckpoint({ vault, pool, id, head, chain: this.#chain, signal });
    if (verified.type === "verified") known.verifiedUnder = head.fence.id;
    return verified.type === "verified";
  }

  async #execute(plan: RetentionPlan & { type: "clean" }, head: Head, signal: AbortSignal): Promise<RetentionOutcome> {
    const mayGoOn = (): boolean => this.#options.standing()?.fence.id === head.fence.id;
    const chain = this.#chain.slots;
    const { records, damaged } = await this.#cleaning.removeRecords(plan.horizon, { chain, mayGoOn, signal });
    const checkpoints = await this.#cleaning.removeCheckpoints(plan.horizon, plan.obsolete, { mayGoOn, signal });
    const missing = await this.#missing(plan.retained);
    if (missing) return { type: "unsafe", error: missing };
    return { type: "cleaned", horizon: plan.horizon, records, checkpoints, damaged };
  }

  /** What the plan relied on must still be there. */
  async #missing(retained: readonly CheckpointId[]): Promise<HotspareError | null> {
    const { vault, pool } = this.#options;
    const listed = new Set((await listCheckpoints(vault, pool)).map(keyOf));
    const gone = retained.find((id) => !listed.has(keyOf(id)));
    if (!gone || !this.#options.standing()) return null;
    return new HotspareError("HS_CHECKPOINT_INVALID", {
      name: keyOf(gone),
      reason: "it vanished while it was relied on",
    });
  }

  #knowledge(id: CheckpointId): Knowledge {
    const known = this.#known.get(keyOf(id));
    if (!known) throw new HotspareError("HS_INTERNAL", { what: `checkpoint ${keyOf(id)} was not listed` });
    return known;
  }
}

const unknown = (firstSeenMs: number): Knowledge => ({
  firstSeenMs,
  maker: null,
  verifiedUnder: null,
  attestedByProcess: false,
  attestTriedMs: null,
});

const keyOf = ({ slot, stateHash }: CheckpointId): string => `${slot}-${stateHash}`;
