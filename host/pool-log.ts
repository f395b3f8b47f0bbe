/** Tells people what happened to a pool: every change of role, fence and alarm, and a takeover with its milliseconds. */
import type { Log } from "../shared/log.ts";
import { roleOf } from "./core/pool-core.ts";
import { phasesOf } from "./core/phases.ts";
import type { PoolState } from "./core/pool-state.ts";

export class PoolLog {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  note(before: PoolState, after: PoolState): void {
    this.#noteRole(before, after);
    if (before.newestFence?.id !== after.newestFence?.id && after.newestFence) {
      const { epoch, owner, slot } = after.newestFence;
      this.#log.info({ epoch, owner, slot }, "newest fence");
    }
    if (before.alarm?.reason !== after.alarm?.reason) this.#noteAlarm(after);
    if (before.unfit !== after.unfit && after.unfit) this.#log.warn({ reason: after.unfit }, "not fit to take over");
  }

  #noteRole(before: PoolState, after: PoolState): void {
    const [from, to] = [roleOf(before), roleOf(after)];
    if (from === to) return;
    const { phase } = after;
    if (phase.type === "primary" && phase.primary.stage === "serving") {
      const { epoch } = phase.primary.fence;
      const fields = { from, to, epoch, reason: after.lastTenure?.reason, phasesMs: phasesOf(phase.primary.timings) };
      return this.#log.info(fields, "serving");
    }
    const reason =
      phase.type === "fenced" ? phase.reason : phase.type === "taking-over" ? phase.takeover.order.cause : "";
    this.#log.info({ from, to, reason, slot: after.applied?.slot ?? 0 }, "role changed");
  }

  #noteAlarm({ alarm }: PoolState): void {
    if (alarm) this.#log.error({ code: alarm.code, slot: alarm.slot, reason: alarm.reason }, "alarm");
    else this.#log.info({}, "alarm over");
  }
}
