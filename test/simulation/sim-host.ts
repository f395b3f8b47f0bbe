/**
 * A host of the simulation: the production host, `host/host.ts`, on simulated parts; and what kills it and starts it again.
 */
import type { Config } from "../../shared/config/config.ts";
import { isHotspareError, reasonOf } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { FenceRef } from "../../shared/journal/record.ts";
import type { HostParts } from "../../host/host-parts.ts";
import type { Alarm, PoolState } from "../../host/core/pool-state.ts";
import { startHost, type RunningHost } from "../../host/host.ts";
import type { LocalCopy } from "../../host/local-copy.ts";
import { PoolCopy } from "../../host/pool-copy.ts";
import type { HostedPool } from "../../host/pool.ts";
import { restoreCheckpoint } from "../../host/checkpoint/restore-checkpoint.ts";
import { check } from "./history.ts";
import { HostJudge } from "./host-judge.ts";
import type { Machine } from "./machine.ts";
import { simApp } from "./sim-app.ts";
import { SimControl } from "./sim-control.ts";
import { SimImages } from "./sim-images.ts";
import { simLog } from "./sim-log.ts";
import type { Lifeline } from "./sim-process.ts";
import { SimTransport, type Receiver } from "./sim-transport.ts";
import { SimVault } from "./sim-vault.ts";
import { syncZstd } from "./sync-zstd.ts";
import type { World } from "./world.ts";

const SECRET = Buffer.alloc(32, 7);

export class SimHost implements Receiver {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly #world: World;
  readonly #config: Config;
  readonly #receivers: ReadonlyMap<NodeId, Receiver>;
  #running: RunningHost | null = null;
  #copies: LocalCopy[] = [];
  #seen: PoolState | null = null;
  #served: FenceRef | null = null;
  control: SimControl | null = null;

  constructor(world: World, machine: Machine, config: Config, receivers: ReadonlyMap<NodeId, Receiver>) {
    this.id = machine.id;
    this.machine = machine;
    this.#world = world;
    this.#config = config;
    this.#receivers = receivers;
  }

  get alive(): boolean {
    return this.machine.process.alive;
  }

  get pool(): HostedPool | null {
    return this.alive ? (this.#running?.pools[0] ?? null) : null;
  }

  get serving(): boolean {
    return this.pool?.serving ?? false;
  }

  /** Deposed or stepped down for good: only a new process helps. */
  get sick(): boolean {
    const phase = this.pool?.state.phase;
    return phase?.type === "fenced" && phase.sick;
  }

  lifeline(): Lifeline {
    return this.machine.process.lifeline();
  }

  start(): void {
    const { log, promised } = this.#world;
    this.machine.start();
    log.add(this.id, "starts");
    const life = this.lifeline();
    const judge = new HostJudge(this.#world, this);
    const config = this.#ownConfig();
    promised();
    startHost({
      config,
      id: this.id,
      secret: SECRET,
      clock: this.machine.clock(life),
      random: this.machine.random,
      log: simLog(log, this.id),
      die: (error) => this.#die(life, error),
      parts: this.#parts(life),
      app: simApp((leaving) => judge.judge(leaving)),
    }).then(
      (running) => {
        if (!life.ended()) this.#running = running;
      },
      (error: unknown) => this.#die(life, error),
    );
  }

  crash(loses: "nothing" | "tail" | "disk" = "nothing"): void {
    if (!this.alive) return;
    this.#world.log.add(this.id, "crashes", { loses });
    this.machine.crash(loses);
    const copies = this.#copies.splice(0);
    this.#running = null;
    this.control = null;
    this.#seen = null;
    for (const copy of copies) void copy.close();
    this.machine.removeOldDisk();
  }

  /** SIGTERM: it steps back, and ends; what hangs is killed. */
  stop(): void {
    const running = this.#running;
    if (!running || !this.alive) return;
    const life = this.lifeline();
    this.#world.log.add(this.id, "is told to stop");
    this.#world.promised();
    running.stop().then(
      () => void (life.ended() || this.crash()),
      (error: unknown) => this.#world.failed(error),
    );
    life.later(8_000, () => this.crash());
  }

  /** Judges where it stands, after whatever it did. */
  observe(): void {
    const pool = this.pool;
    if (!pool) return;
    const { state } = pool;
    if (state === this.#seen) return;
    this.#judgeFencing(state);
    this.#seen = state;
    this.#world.ledger.moved(this.id, { head: state.applied, digest: 0 });
    const { phase } = state;
    const fence = phase.type === "primary" && phase.primary.stage === "serving" ? phase.primary.fence : null;
    if (fence && fence.id !== this.#served?.id) {
      this.#world.log.note("serves");
      this.#world.ledger.serves(this.id, fence, { head: state.applied });
    }
    this.#served = fence ?? this.#served;
    if (state.alarm) this.#judgeAlarm(state.alarm);
    this.#world.log.note(`phase ${phase.type}`);
  }

  /** I12: who has read that it is taken out puts no fence. One that was put before may still come to its end. */
  #judgeFencing({ phase, offline }: PoolState): void {
    const before = this.#seen;
    if (phase.type !== "taking-over" || phase.stage.type !== "fencing" || before === null || before.offline === null)
      return;
    const { sealed } = phase.stage.publication;
    const old = before.phase.type === "taking-over" && before.phase.stage.type === "fencing" && before.phase.stage;
    const isOld = old && old.publication.sealed.hash === sealed.hash;
    check(isOld || offline === null, "I12", () => `${this.id} puts a fence after it has read that it is offline`);
  }

  /** Nothing is missing and nothing is damaged here but what the run itself damaged. */
  #judgeAlarm({ code, slot, reason }: Alarm): void {
    this.#world.log.note(code);
    const isFalse = code === "HS_RECORD_MISSING" && !this.#world.damaged();
    check(!isFalse, "I15", () => `${this.id} has a false alarm at slot ${slot}: ${reason}`);
  }

  /** Of the whole state; for comparisons. */
  get file(): string | null {
    return this.alive ? (this.#copies.at(-1)?.store.file ?? null) : null;
  }

  // --- Parts ----------------------------------------------------------------------------------------------------------

  #parts(life: Lifeline): HostParts {
    const vault = new SimVault(this.#world, this.machine);
    return {
      sockets: this.machine.sockets(),
      checkData: () => undefined,
      lockData: () => () => undefined,
      openVault: () => vault,
      startControl: (options) => {
        const onQuarantine = (reason: string | null): void => {
          this.#world.log.note(reason === null ? "quarantine ends" : "quarantine");
          options.onQuarantine?.(reason);
        };
        const control = new SimControl({ ...options, onQuarantine });
        if (!life.ended()) this.control = control;
        return Promise.resolve(control);
      },
      openImages: (options) => new SimImages(this.#world, this.machine, vault, options),
      openCopy: (options) => {
        const copy = new PoolCopy({
          ...options,
          walMover: "caller",
          restore: (wish) => restoreCheckpoint({ ...wish, vault, zstd: syncZstd }),
        });
        this.#copies.push(copy);
        return copy;
      },
      // Its configuration has none.
      callHook: () => Promise.resolve({ type: "done", output: "" }),
      attest: () => Promise.resolve({ type: "failed", reason: "simulated" }),
      connect: () => new SimTransport(this.#world, this.id, life, this.#receivers),
      warmUp: () => Promise.resolve(),
    };
  }

  #ownConfig(): Config {
    const { data } = this.machine;
    return {
      ...this.#config,
      hosts: this.#config.hosts.map((host) => (host.id === this.id ? { ...host, data } : host)),
    };
  }

  /** As SIGKILL by itself: nothing more leaves this process. What breaks the program's own rules ends the run. */
  #die(life: Lifeline, error: unknown): void {
    if (life.ended()) return;
    this.#world.log.add(this.id, "kills itself", reasonOf(error));
    this.#world.log.note("kills itself");
    if (!isHotspareError(error) || error.code === "HS_INTERNAL") this.#world.failed(error);
    this.crash();
    this.#restartLater();
  }

  #restartLater(): void {
    const { scheduler, dice, healed } = this.#world;
    scheduler.after(dice.spread(50, 2_000), () => {
      if (!this.alive && !healed()) this.start();
    });
  }

  /** A state that is not the one that its slot must have. */
  compare(hash: string, expected: string): void {
    check(hash === expected, "I2", () => `${this.id} holds another state than history at its slot`);
  }
}
