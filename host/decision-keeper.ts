/**
 * What operations decided, as this host has read it in the vault, and the one who writes the next revision. Reads at the
 * start, now and then, and when somebody knows more; never goes back.
 */
import type { Cancel, Clock } from "../shared/clock.ts";
import { HotspareError, isUndurable, reasonOf } from "../shared/errors.ts";
import { parseNodeId, randomId, type NodeId, type RecordId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Random } from "../shared/random.ts";
import { decide, NO_DECISIONS, type Change, type Decisions } from "../shared/revisions/decisions.ts";
import type { Revision } from "../shared/revisions/revision.ts";
import type { RevisionLog } from "../shared/revisions/revision-log.ts";
import { hostHintName, probeName, revisionName } from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";

export interface DecisionKeeperOptions {
  readonly self: NodeId;
  readonly revisions: RevisionLog;
  readonly vault: Pick<Vault, "remove">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The folder of revisions could not be synced: this process concludes nothing from it any more. */
  readonly onUndurable: (error: unknown) => void;
  /** Told of each that is new here. */
  readonly onChange: (decisions: Decisions) => void;
}

/** A hint comes by every heartbeat; this is for hosts that nobody talks to. */
const LOOK_INTERVAL_MS = 2000;
/** By then a removed host has heard of it, and what it was writing has come. */
const LAST_TRACE_MS = 5000;

export class DecisionKeeper {
  readonly #options: DecisionKeeperOptions;
  #decisions = NO_DECISIONS;
  #looking: Promise<void> | null = null;
  #timer: Cancel | null = null;
  #takingAway: Cancel = () => undefined;
  #trouble: string | null = null;
  #stopped = false;

  constructor(options: DecisionKeeperOptions) {
    this.#options = options;
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  /**
   * Before anything of a pool begins: who was taken out must know it.
   * @throws {HotspareError} HS_VAULT_FORMAT if the newest revision cannot be read by this program, HS_VAULT_IO.
   */
  async start(): Promise<void> {
    this.#learn(await this.#options.revisions.newest());
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
    this.#takingAway();
  }

  /** Reads the newest one that there is when this is called: a look that is under way may be older. */
  async lookAfresh(): Promise<void> {
    await this.#looking;
    await this.look();
  }

  /** Reads the newest one now. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /**
   * Writes the next revision, if the change changes anything.
   * @throws {HotspareError} HS_DECISION_CONFLICT if it was made on a revision that is not the newest; HS_DECISION_REFUSED;
   * HS_VAULT_IO if this host does not see it yet, and what else the vault says.
   */
  async decide({ base, change, by, reason }: Request<"decide">): Promise<Answer<"decide">> {
    const { revisions, self, clock, random } = this.#options;
    const newest = await revisions.newest();
    this.#learn(newest);
    const before = newest?.decisions ?? NO_DECISIONS;
    if (before.revision < base) throw behind(base);
    const decided = { by, atMs: clock.wallMs(), reason };
    const decisions = decide(before, change, decided);
    if (decisions === null) return await this.#done(change, { changed: false, decisions: before });
    if (newest !== null && before.revision !== base) throw conflict(newest);
    const revision: Revision = {
      id: randomId<RecordId>(random),
      writtenBy: self,
      ...decided,
      change,
      decisions,
    };
    const published = await revisions.publish(revision);
    if (published.type === "taken") throw conflict(published.by);
    this.#learn(revision);
    return await this.#done(change, { changed: true, decisions });
  }

  /** What a removed host has left in the vault goes too; also where that failed the first time. */
  async #done(change: Change, answer: Answer<"decide">): Promise<Answer<"decide">> {
    if (change.type !== "remove") return answer;
    await this.#takeAway([change.node]);
    return answer;
  }

  async #takeAway(removed: readonly string[]): Promise<void> {
    const { vault } = this.#options;
    const names = removed.map(parseNodeId).flatMap((node) => [hostHintName(node), probeName(node)]);
    await Promise.all(names.map((name) => vault.remove(name)));
  }

  /** Again, and by every host: a removed one may have written once more before it knew, and may be killed then. */
  #takeAwayLater(): void {
    this.#takingAway();
    // What cannot be taken away is a hint; whoever repeats the removal tries again.
    const takeAway = (): void => void this.#takeAway(this.#decisions.removed).catch(() => undefined);
    this.#takingAway = this.#options.clock.after(LAST_TRACE_MS, takeAway);
  }

  /** The audit: what was decided, by whom, when and why. */
  async revisions({ from, limit }: Request<"revisions">): Promise<Answer<"revisions">> {
    const revisions = await this.#options.revisions.some({ from, limit });
    this.#learn(revisions.at(-1) ?? null);
    return { revisions: [...revisions], decisions: this.#decisions };
  }

  async #look(): Promise<void> {
    try {
      this.#learn(await this.#options.revisions.newest());
      this.#note(null);
    } catch (error) {
      if (isUndurable(error)) this.#options.onUndurable(error);
      this.#note(reasonOf(error));
    }
  }

  #learn(revision: Revision | null): void {
    if (this.#stopped || revision === null || revision.decisions.revision <= this.#decisions.revision) return;
    const before = this.#decisions.removed;
    this.#decisions = revision.decisions;
    const { removed } = this.#decisions;
    if (removed.some((node) => !before.includes(node))) this.#takeAwayLater();
    const { by, reason, change } = revision;
    this.#options.log.info({ revision: this.#decisions.revision, by, reason, change }, "an operation was decided");
    this.#options.onChange(this.#decisions);
  }

  /** Told when it changes: a vault that is away is away for everything else too. */
  #note(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble !== null) this.#options.log.warn({ reason: trouble }, "revisions cannot be read");
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(LOOK_INTERVAL_MS, () => void this.look().finally(() => this.#schedule()));
  }
}

/** Whether the change holds already cannot be said of what others know better. */
const behind = (base: number): HotspareError =>
  new HotspareError("HS_VAULT_IO", { action: "read", name: revisionName(base), reason: "it is not seen here yet" });

function conflict({ by, reason, decisions }: Revision): HotspareError {
  return new HotspareError("HS_DECISION_CONFLICT", { revision: decisions.revision, by, reason });
}
