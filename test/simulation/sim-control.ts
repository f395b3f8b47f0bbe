/**
 * The control listener of a simulated host: the production state and carrier, asked over the simulated network instead of
 * by signed HTTP. Its thread answers what it knows; the rest it carries to the main thread.
 */
import { HotspareError, isHotspareError } from "../../shared/errors.ts";
import type { Address } from "../../shared/config/config.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { PoolReport } from "../../shared/wire/reports.ts";
import { ControlCarrier } from "../../host/control-carrier.ts";
import type { Ask, CarriedName, ControlTuning, VaultProbe } from "../../host/control-link.ts";
import { ControlState, writeTick } from "../../host/control-state.ts";
import type { Decisions } from "../../shared/revisions/decisions.ts";
import { handleAsk, type Control, type ControlOptions } from "../../host/control.ts";

const TICK_MS = 50;
const PROMOTE_WAIT_MS = 1000;
const OTHER_WAIT_MS = 1000;

export class SimControl implements Control {
  readonly address: Address;
  readonly #options: ControlOptions;
  readonly #state: ControlState;
  readonly #tick = new BigInt64Array(1);
  readonly #carrier: ControlCarrier;
  #stopped = false;

  constructor(options: ControlOptions) {
    const { host, bootId, vaultId, version, tuning, clock } = options;
    this.address = host.control;
    this.#options = options;
    const identity = { host: host.id, bootId, vaultId, version };
    this.#state = new ControlState({
      identity,
      tick: this.#tick,
      startedMs: clock.monotonicMs(),
      tuning,
      onQuarantine: (reason) => options.onQuarantine?.(reason),
    });
    this.#carrier = new ControlCarrier({ post: (ask) => void this.#do(ask), clock, host: host.id });
    this.#keepTicking();
  }

  /** Why the host distrusts its own clock. */
  get quarantined(): string | null {
    return this.#state.report(this.#options.clock.monotonicMs()).quarantined ?? null;
  }

  publish(pools: readonly PoolReport[]): void {
    this.#state.setPools(pools, this.#options.clock.monotonicMs());
  }

  probe(probe: VaultProbe): void {
    this.#state.setProbe(probe, this.#options.clock.monotonicMs());
  }

  decisions(decisions: Decisions): void {
    this.#state.setDecisions(decisions);
  }

  configure(tuning: ControlTuning): void {
    this.#state.configure(tuning);
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }

  /** @throws {HotspareError} what the host refuses with. */
  async hear<Name extends MessageName>(name: Name, body: Request<Name>, from: NodeId): Promise<Answer<Name>> {
    if (this.#stopped) throw new HotspareError("HS_MAIN_STALLED", { host: this.#options.host.id, waitMs: 0 });
    const bootId = "bootId" in body ? body.bootId : null;
    if (bootId !== null && bootId !== this.#options.bootId) {
      throw new HotspareError("HS_MESSAGE_BOOT", { found: bootId, accepted: this.#options.bootId });
    }
    switch (name) {
      case "heartbeat":
        return this.#heartbeat(body as Request<"heartbeat">, from) as Answer<Name>;
      case "promote":
        return (await this.#promote(body as Request<"promote">, from)) as Answer<Name>;
      case "vote":
        return (await this.#carry(name, body, from, this.#state.tuning.voteWaitMs)) as Answer<Name>;
      case "appended":
      case "checkpoint":
      case "handover":
      case "decide":
      case "revisions":
      case "enrol":
      case "finish-upgrade":
        return (await this.#carry(name, body, from, OTHER_WAIT_MS)) as Answer<Name>;
      case "configuration":
        return (await this.#carry(name, body, from, OTHER_WAIT_MS)) as Answer<Name>;
      default:
        throw new HotspareError("HS_INTERNAL", { what: `a host has no handler for ${name}` });
    }
  }

  #heartbeat(
    { bootId, originMs, clock: deviation = null, revision }: Request<"heartbeat">,
    from: NodeId,
  ): Answer<"heartbeat"> {
    const { clock } = this.#options;
    const now = clock.wallMs();
    if (bootId !== null) this.#state.hearClock(from, deviation, clock.monotonicMs());
    if (this.#state.isBehind(revision)) this.#options.onRevision?.();
    const decisions = this.#state.decisionsFor(revision);
    return { report: this.#state.report(clock.monotonicMs()), decisions, originMs, receivedMs: now, sentMs: now };
  }

  async #promote(body: Request<"promote">, from: NodeId): Promise<Answer<"promote">> {
    const asked = await this.#carrier.ask("promote", { body, from, waitMs: PROMOTE_WAIT_MS });
    if (asked.type === "answered") return asked.answer;
    const fence = this.#state.pool(body.pool)?.fence ?? null;
    const outcome = asked.state === "taken" ? "accepted" : "refused";
    return { outcome, reason: "it takes long", fence, phases: {} };
  }

  async #carry(
    name: CarriedName,
    body: Request<CarriedName>,
    from: NodeId,
    waitMs: number,
  ): Promise<Answer<CarriedName>> {
    const asked = await this.#carrier.ask(name, { body, from, waitMs });
    if (asked.type === "late") throw this.#carrier.stalled(waitMs);
    return asked.answer;
  }

  /** The main thread's part. */
  async #do(ask: Ask): Promise<void> {
    const { id } = ask;
    this.#carrier.reply({ type: "taken", id });
    try {
      this.#carrier.reply({ type: "settled", id, answer: await handleAsk(this.#options.handlers, ask) });
    } catch (error) {
      const failure = isHotspareError(error) ? error : new HotspareError("HS_INTERNAL", { what: ask.name });
      this.#carrier.reply({ type: "failed", id, code: failure.code, details: failure.details });
      if (!isHotspareError(error)) this.#options.onFailed(error);
    }
  }

  #keepTicking(): void {
    if (this.#stopped) return;
    writeTick(this.#tick, this.#options.clock.monotonicMs());
    this.#options.clock.after(TICK_MS, () => this.#keepTicking());
  }
}
