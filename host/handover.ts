/**
 * A primary steps back in favour of another host: it asks who is fit, publishes its last batch and a release that names the
 * successor, orders that one to take over at once, and tells the proxies where to look. Safety rests on none of it: the
 * successor fences as after any other loss, and if this host dies in between, the release and the proxies do the rest.
 */
import type { Clock } from "../shared/clock.ts";
import type { HostConfig, ProxyConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { FenceRef } from "../shared/journal/record.ts";
import type { Log } from "../shared/log.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import type { FenceMessage } from "../shared/wire/reports.ts";
import { rankSuccessors, type Asked, type Candidate, type SuccessionRules } from "./succession.ts";
import { phasesOf } from "./core/phases.ts";
import type { RoleHooks } from "./hooks/role-hooks.ts";
import type { PeerClient } from "./host-parts.ts";
import type { HostedPool } from "./pool.ts";

export interface HandoverOptions {
  readonly self: NodeId;
  readonly pool: HostedPool;
  readonly hosts: () => readonly Pick<HostConfig, "id" | "control">[];
  readonly proxies: () => readonly Pick<ProxyConfig, "id" | "gossip">[];
  readonly rules: () => Omit<SuccessionRules, "pool">;
  /** For one question or order. */
  readonly timeoutMs: number;
  /** A successor that does not serve by then has failed. */
  readonly takeoverMs: number;
  /** Asked before the pool is released. */
  readonly hooks: Pick<RoleHooks, "asked" | "before">;
  readonly client: PeerClient;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Asking {
  /** `null`: whoever is fittest. */
  readonly to: NodeId | null;
  readonly by: string;
  readonly cause: string;
  /** Also if a hook is against it: the host stops in any case. */
  readonly insists: boolean;
}

type Handed = Omit<Answer<"handover">, "hosts">;

/** How long all hooks together may delay it: whoever asked for it still waits for an answer, or a supervisor for the end. */
export const HOOKS_MS = 30_000;
const HOOKS_AT_STOP_MS = 10_000;
/** Proxies look at the successor by themselves a little later. */
const LOOK_MS = 500;

export class Handover {
  readonly #options: HandoverOptions;
  readonly #abort = new AbortController();
  #underWay: (Asking & { readonly sinceMs: number; readonly ended: Promise<unknown> }) | null = null;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#abort.abort(new Error("the host stops"));
  }

  /** What is under way, for whoever wants something else; `null`: nothing. */
  get underWay(): string | null {
    if (this.#underWay === null) return null;
    const { by, cause, to, sinceMs } = this.#underWay;
    const ageMs = Math.round(this.#options.clock.monotonicMs() - sinceMs);
    return `${by} hands pool ${this.#options.pool.id} over${to === null ? "" : ` to ${to}`} for ${ageMs} ms (${cause})`;
  }

  /**
   * @throws {HotspareError} HS_NOT_PRIMARY, HS_OPERATION_BUSY, HS_HANDOVER_REFUSED with the reason: nothing has changed, or the
   * pool was released and nobody took it, which the reason says. The proxies then find somebody.
   */
  async run(request: Omit<Request<"handover">, "bootId">): Promise<Answer<"handover">> {
    const asking: Asking = { to: request.to as NodeId | null, by: request.by, cause: request.cause, insists: false };
    this.#refuseBusy();
    const { pool } = this.#options;
    if (!pool.serving) throw new HotspareError("HS_NOT_PRIMARY", { pool: pool.id });
    const ranked = await this.#rank();
    const successors = this.#choose(asking, ranked);
    const hosts = ranked.map(({ host, unfit, slot, lagMs }) => ({ host, unfit, slot, lagMs }));
    if (request.dryRun) return { ...this.#predict(successors), hosts };
    this.#refuseBusy();
    return { ...(await this.#exclusively(asking, () => this.#handOver(successors, asking))), hosts };
  }

  /** The same for a reason of this host's own. */
  async to(host: NodeId, why: Pick<Asking, "by" | "cause">): Promise<void> {
    const { id: pool } = this.#options.pool;
    await this.run({ ...why, pool, to: host, dryRun: false });
  }

  /** Who could follow now, each with the life that it has, the best first. */
  async fit(): Promise<readonly { readonly host: NodeId; readonly bootId: string }[]> {
    const ranked = await this.#rank();
    return ranked.flatMap(({ host, report, unfit }) =>
      unfit === null && report !== null ? [{ host, bootId: report.bootId }] : [],
    );
  }

  /**
   * Steps back for whoever is fit, and waits for a handover that is under way. `false`: nobody is fit, or, if it insists, it
   * failed. @throws {HotspareError} as `run` does, if it does not insist.
   */
  async leave(cause: string, { insists }: Pick<Asking, "insists">): Promise<boolean> {
    await this.#underWay?.ended.catch(() => undefined);
    const { pool, self } = this.#options;
    if (!pool.serving) return true;
    const asking: Asking = { to: null, by: self, cause, insists };
    const successors = (await this.#rank()).filter(({ unfit }) => unfit === null);
    if (successors.length === 0) return false;
    await this.#exclusively(asking, () => this.#handOver(successors, asking)).catch((error: unknown) => {
      if (!insists) throw error;
      this.#options.log.warn({ reason: String(error) }, "the pool was not handed over");
    });
    return !pool.serving;
  }

  /** Asks the hooks before a pool rests, for which nobody follows. @throws {HotspareError} HS_HANDOVER_REFUSED. */
  rest(cause: string): Promise<void> {
    return this.#askHooks(null, { to: null, by: this.#options.self, cause, insists: false });
  }

  #refuseBusy(): void {
    const { underWay } = this;
    if (underWay === null) return;
    throw new HotspareError("HS_OPERATION_BUSY", { what: `pool ${this.#options.pool.id}`, first: underWay });
  }

  async #exclusively<T>(asking: Asking, run: () => Promise<T>): Promise<T> {
    const ended = run();
    this.#underWay = { ...asking, sinceMs: this.#options.clock.monotonicMs(), ended };
    try {
      return await ended;
    } finally {
      this.#underWay = null;
    }
  }

  // --- Who ------------------------------------------------------------------------------------------------------------

  async #rank(): Promise<readonly Candidate[]> {
    const { hosts, self, rules, pool } = this.#options;
    const others = hosts().filter(({ id }) => id !== self);
    const asked = await Promise.all(others.map((host) => this.#ask(host)));
    return rankSuccessors(asked, { ...rules(), pool: pool.id });
  }

  async #ask({ id: to, control: address }: Pick<HostConfig, "id" | "control">): Promise<Asked> {
    const { client, clock, timeoutMs } = this.#options;
    const body = { bootId: null, originMs: clock.wallMs() };
    const result = await client.send("heartbeat", { to, address, body, timeoutMs, signal: this.#abort.signal });
    return result.type === "answer"
      ? { host: to, report: result.answer.report }
      : { host: to, report: null, reason: result.reason };
  }

  /** The named one alone, or all that are fit, the best first. */
  #choose({ to }: Asking, ranked: readonly Candidate[]): readonly Candidate[] {
    const { pool, self } = this.#options;
    const refuse = (reason: string): never => {
      throw new HotspareError("HS_HANDOVER_REFUSED", { pool: pool.id, reason });
    };
    if (to === self) return refuse(`${self} serves it already`);
    const fit = ranked.filter(({ unfit }) => unfit === null);
    if (to !== null) {
      const named = ranked.find(({ host }) => host === to) ?? refuse(`there is no host ${to}`);
      return named.unfit === null ? [named] : refuse(`${to}: ${named.unfit}`);
    }
    const reasons = ranked.map(({ host, unfit }) => `${host}: ${unfit}`).join("; ");
    return fit.length > 0 ? fit : refuse(`no host is fit to follow: ${reasons || "there is no other host"}`);
  }

  /** The release costs what the own fence did; the rest is what the own takeover took. */
  #predict([best]: readonly Candidate[]): Handed {
    const { phase } = this.#options.pool.state;
    if (best === undefined || phase.type !== "primary")
      throw new HotspareError("HS_NOT_PRIMARY", { pool: this.#options.pool.id });
    const { fence, total } = phasesOf(phase.primary.timings);
    return { successor: best.host, fence: null, pauseMs: Math.round(fence + total), phases: {} };
  }

  // --- How ------------------------------------------------------------------------------------------------------------

  async #handOver(candidates: readonly Candidate[], asking: Asking): Promise<Handed> {
    const { pool, clock, log, hooks } = this.#options;
    // They take time: who is fit is then looked at again.
    if (hooks.asked) await this.#askHooks(candidates[0]?.host ?? null, asking);
    if (!pool.serving) throw new HotspareError("HS_NOT_PRIMARY", { pool: pool.id });
    const successors = hooks.asked ? this.#choose(asking, await this.#rank()) : candidates;
    const [best] = successors;
    const { fence } = pool;
    if (best === undefined || fence === null) throw new HotspareError("HS_NOT_PRIMARY", { pool: pool.id });
    const beganMs = clock.monotonicMs();
    if (!(await pool.handOver(best.host, asking.cause))) {
      const reason = "the vault did not take the release; this host goes on serving";
      throw new HotspareError("HS_HANDOVER_REFUSED", { pool: pool.id, reason });
    }
    const releasedMs = clock.monotonicMs();
    const taken = await this.#order(successors, { fence, asking, untilMs: releasedMs + this.#options.takeoverMs });
    const servingMs = clock.monotonicMs();
    await this.#tell(taken.owner as NodeId);
    const phases = { released: releasedMs - beganMs, serving: servingMs - releasedMs };
    log.info({ successor: taken.owner, by: asking.by, cause: asking.cause, ...phases }, "the pool was handed over");
    return { successor: taken.owner, fence: taken, pauseMs: servingMs - beganMs, phases };
  }

  async #askHooks(successor: NodeId | null, { by, cause, insists }: Asking): Promise<void> {
    const { hooks, pool } = this.#options;
    const timeoutMs = insists ? HOOKS_AT_STOP_MS : HOOKS_MS;
    const reason = await hooks.before({ successor, cause, by, timeoutMs }, insists);
    if (reason !== null && !insists) throw new HotspareError("HS_HANDOVER_REFUSED", { pool: pool.id, reason });
  }

  /** One after the other until one serves. Whoever else has fenced meanwhile serves as well. */
  async #order(successors: readonly Candidate[], order: OrderToFollow): Promise<FenceMessage> {
    const { pool, clock } = this.#options;
    const failures: string[] = [];
    for (let turn = 0; clock.monotonicMs() < order.untilMs && !this.#abort.signal.aborted; turn += 1) {
      const candidate = successors[turn % successors.length];
      const outcome = candidate?.report ? await this.#promote(candidate, order) : "it is gone";
      if (typeof outcome !== "string") return outcome;
      failures.push(`${candidate?.host}: ${outcome}`);
      if (failures.length >= MAX_TRIES) break;
    }
    const reason = `it was released, and nobody took it over: ${failures.join("; ")}. The proxies look for somebody`;
    throw new HotspareError("HS_HANDOVER_REFUSED", { pool: pool.id, reason });
  }

  async #promote({ host, report }: Candidate, order: OrderToFollow): Promise<FenceMessage | string> {
    const { client, pool, clock, hosts } = this.#options;
    const address = hosts().find(({ id }) => id === host)?.control;
    if (address === undefined || report === null) return "it is not configured any more";
    const { fence, asking, untilMs } = order;
    const body = {
      pool: pool.id,
      bootId: report.bootId,
      fence: fence.id,
      cause: asking.cause,
      votes: [],
      planned: true,
    };
    for (;;) {
      const timeoutMs = Math.max(1, untilMs - clock.monotonicMs());
      const sent = await client.send("promote", { to: host, address, body, timeoutMs, signal: this.#abort.signal });
      if (sent.type === "failed") return sent.reason;
      const { outcome, fence: newest, reason } = sent.answer;
      // It, or somebody else, has fenced since: the pool has moved.
      if (newest !== null && newest.epoch > fence.epoch && outcome !== "accepted") return newest;
      if (outcome !== "accepted") return reason;
      if (clock.monotonicMs() >= untilMs) return "it did not serve in time";
    }
  }

  /** A hint, so that no proxy waits for its next heartbeat. */
  async #tell(host: NodeId): Promise<void> {
    const { proxies, client } = this.#options;
    const { signal } = this.#abort;
    const looks = proxies().map(({ id: to, gossip: address }) =>
      client.send("look", { to, address, body: { host }, timeoutMs: LOOK_MS, signal }),
    );
    await Promise.all(looks);
  }
}

/** The next ones get their turn, and the first ones a second. */
const MAX_TRIES = 8;

interface OrderToFollow {
  readonly fence: FenceRef;
  readonly asking: Asking;
  readonly untilMs: number;
}
