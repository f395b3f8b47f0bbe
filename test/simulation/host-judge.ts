/** Hands the answers of one host's application to the ledger, as they leave. */
import { check } from "./history.ts";
import type { Leaving } from "./sim-app.ts";
import type { SimHost } from "./sim-host.ts";
import type { World } from "./world.ts";

export class HostJudge {
  readonly #world: World;
  readonly #host: SimHost;

  constructor(world: World, host: SimHost) {
    this.#world = world;
    this.#host = host;
  }

  /** The application catches what its handlers throw, so it is told aside. */
  judge(leaving: Leaving): void {
    try {
      this.#judge(leaving);
    } catch (error) {
      this.#world.failed(error);
    }
  }

  #judge(leaving: Leaving): void {
    const pool = this.#host.pool;
    if (!pool) return;
    const { history, ledger, scheduler } = this.#world;
    const times = { sentMs: leaving.sentMs, nowMs: scheduler.nowMs };
    const { bootId } = pool.state.settings;
    if (leaving.type === "executes")
      return ledger.executes(leaving.request, `${bootId} ${leaving.epoch}`, leaving.attempt);
    if (leaving.type === "survives") return ledger.survives(leaving.request, `${bootId} ${leaving.epoch}`);
    if (leaving.type === "session read") return ledger.showed(this.#host.id, leaving.register, leaving);
    if (leaving.type === "read") {
      const { register, value, lsn } = leaving;
      const epoch = pool.fence?.epoch ?? 0;
      return ledger.answers(
        this.#host.id,
        bootId,
        { kind: "read", key: "", register },
        { value, lsn, epoch, replayed: false },
        times,
      );
    }
    const { register, asked, told, replayed } = leaving;
    if (!told.done) return this.#judgeRefusal(asked.key, register, told);
    const epoch = history.settled(asked.key)?.epoch ?? 0;
    const answer = { lsn: told.lsn, value: told.held, epoch, replayed };
    ledger.answers(this.#host.id, bootId, { kind: "write", key: asked.key, register }, answer, times);
  }

  /** What a comparison found must have been there just then. */
  #judgeRefusal(key: string, register: string, { lsn, held }: { lsn: number; held: number | null }): void {
    const value = this.#world.history.valueAt(register, lsn);
    check(value === held, "I7", () => `${key} was refused because of ${held} at ${lsn}, where it was ${value}`);
  }
}
