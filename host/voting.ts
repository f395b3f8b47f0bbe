/**
 * Answers a proxy that asks whether this host would depose the owner of a fence. Cheap looks come first; the owner is asked
 * only where the vault has stood still for long enough. The whole takes no longer than `voteWaitMs` says.
 */
import { HINT_INTERVAL_MS } from "../shared/checkpoint/host-hint.ts";
import type { Clock } from "../shared/clock.ts";
import type { HealthConfig, HostConfig } from "../shared/config/config.ts";
import type { NodeId, RecordId } from "../shared/ids.ts";
import type { WriteProbe } from "../shared/vault/write-probe.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Answer } from "../shared/wire/messages.ts";
import { concludeVote, judgeVote, type Asked, type VoteRules, type Witness } from "./core/vote.ts";
import { probeBoundMs, probeOwner, type HeartbeatSender } from "./owner-probe.ts";
import { OwnerWatch, type WatchedPool } from "./owner-watch.ts";

export interface VotingOptions {
  readonly self: NodeId;
  readonly hosts: () => readonly Pick<HostConfig, "id" | "control">[];
  readonly health: () => HealthConfig;
  readonly pools: readonly WatchedPool[];
  readonly vault: Pick<Vault, "get">;
  readonly probe: Pick<WriteProbe, "report">;
  readonly client: HeartbeatSender;
  readonly clock: Clock;
}

/** A file that is written every second, and read twice a second, cannot seem to stand still for two of its intervals and this. */
const MARGIN_MS = 500;
/** What is not the probe: the way to the main thread and back, and the looks. */
const ROUND_MS = 50;

/** Of a host that does not watch anything yet. */
export const NO_VOTE: Answer<"vote"> = { verdict: "unsure", reason: "it is starting", stillMs: 0 };

/** How long the vault must have stood still. */
export const stillBoundMs = ({ failures, intervalMs }: HealthConfig): number =>
  Math.max(failures * intervalMs, 2 * HINT_INTERVAL_MS + MARGIN_MS);

/** The longest that a vote takes. */
export const voteWaitMs = ({ timeoutMs }: HealthConfig): number => probeBoundMs(timeoutMs) + ROUND_MS;

export class Voting {
  readonly #options: VotingOptions;
  readonly #watch: OwnerWatch;
  readonly #abort = new AbortController();
  /** Many proxies may ask at once: they get the same answer. */
  readonly #underWay = new Map<string, Promise<Answer<"vote">>>();

  constructor(options: VotingOptions) {
    const { health, self, pools, vault, clock } = options;
    this.#options = options;
    this.#watch = new OwnerWatch({ self, pools, vault, clock, stillMs: () => stillBoundMs(health()) });
  }

  stop(): void {
    this.#watch.stop();
    this.#abort.abort(new Error("the host stops"));
  }

  /** @param fence id of the fence whose owner is doubted; `null`: nobody has begun yet. */
  vote(pool: WatchedPool, fence: string | null): Promise<Answer<"vote">> {
    const key = `${pool.id} ${fence}`;
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const voted = this.#vote(pool, fence as RecordId | null).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, voted);
    return voted;
  }

  async #vote(pool: WatchedPool, fence: RecordId | null): Promise<Answer<"vote">> {
    const judgement = judgeVote(fence, this.#witness(pool), this.#rules);
    if (judgement.type === "answer") return judgement.answer;
    const asked = await this.#ask(judgement.fence.owner);
    return concludeVote(fence, asked, this.#witness(pool), this.#rules);
  }

  get #rules(): VoteRules {
    const health = this.#options.health();
    return { stillMs: stillBoundMs(health), hangMs: health.hangMs, storageMs: health.storageMs };
  }

  /** A host that is not configured any more cannot be asked; that its file stands still has to do. */
  #ask(id: NodeId): Promise<Asked> {
    const { hosts, client, clock, health } = this.#options;
    const owner = hosts().find((host) => host.id === id);
    if (!owner) return Promise.resolve({ type: "failed", reason: "it is not configured" });
    return probeOwner(owner, { client, clock, timeoutMs: health().timeoutMs, signal: this.#abort.signal });
  }

  #witness(pool: WatchedPool): Witness {
    const { probe, clock } = this.#options;
    const standstill = this.#watch.standstill(pool);
    return { pool: pool.state, standstill, probe: probe.report(), nowMs: clock.monotonicMs() };
  }
}
