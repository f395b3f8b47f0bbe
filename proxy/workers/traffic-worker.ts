/**
 * What a worker process does: makes a data plane out of its plan, carries out what its parent tells it in order, and reports
 * what it carries when that changes. It knows the route table and nothing else of the cluster.
 */
import { Registry } from "prom-client";
import type { Cancel, Clock } from "../../shared/clock.ts";
import { reasonOf, unreachable } from "../../shared/errors.ts";
import { randomId, type BootId, type PoolId } from "../../shared/ids.ts";
import type { Log } from "../../shared/log.ts";
import type { Random } from "../../shared/random.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { packError } from "../../shared/thread-error.ts";
import { Networks } from "../../shared/tls/networks.ts";
import { logAccess } from "../log-note.ts";
import { DataPlane, type DataPlaneOptions } from "../relay/data-plane.ts";
import type { TrafficSettings } from "../relay/traffic.ts";
import { TroubleLimit } from "../trouble-limit.ts";
import type {
  FromWorker,
  LogTime,
  PoolLoad,
  ToWorker,
  WorkerCommand,
  WorkerPlan,
  WorkerSettings,
} from "./worker-messages.ts";
import { addWorkerUse } from "./worker-metrics.ts";

export interface TrafficWorkerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** By how the workers share the port. */
  readonly sockets: Readonly<Record<WorkerPlan["socket"], Sockets>>;
  readonly send: (message: FromWorker) => void;
  /** As `send`, for what may be left out while the parent does not read. @returns whether it was sent. */
  readonly trySend: (message: FromWorker) => boolean;
  /** Ends the process, after what was sent has gone. */
  readonly exit: (code: "stopped" | "failed") => void;
}

const LOADS_MS = 50;

export class TrafficWorker {
  readonly #options: TrafficWorkerOptions;
  readonly #register = new Registry();
  readonly #logTimes = new Map<PoolId, number>();
  /** What came before there was a plane. */
  readonly #early: WorkerCommand[] = [];
  #plane: DataPlane | null = null;
  #pools: readonly PoolId[] = [];
  #told = "";
  #watch: Cancel = () => undefined;

  constructor(options: TrafficWorkerOptions) {
    this.#options = options;
    addWorkerUse(this.#register);
  }

  hear(message: ToWorker): void {
    if (message.type === "start") void this.#start(message.plan);
    else if (message.type === "ping") this.#options.send({ type: "pong" });
    else if (this.#plane === null) this.#early.push(message);
    else this.#carryOut(message, this.#plane);
  }

  async #start(plan: WorkerPlan): Promise<void> {
    try {
      const plane = await this.#makePlane(plan);
      await plane.listen(plan.listen);
      this.#options.send({ type: "listening" });
    } catch (error) {
      const otherwise = { code: "HS_INTERNAL", details: { what: reasonOf(error) } } as const;
      this.#options.send({ type: "failed", error: packError(error, otherwise) });
      this.#options.exit("failed");
    }
  }

  async #makePlane(plan: WorkerPlan): Promise<DataPlane> {
    const { clock, log, sockets } = this.#options;
    const networks = await Networks.open(["public", "data"], {
      tls: { ...plan.tls, admin: null, control: null },
      under: sockets[plan.socket],
      clock,
      log,
    });
    // The process ends with it.
    networks.watch();
    this.#learn(plan.logTimes);
    this.#pools = poolsOf(plan.settings);
    const plane = new DataPlane({ ...this.#parts(plan), sockets: networks.sockets });
    for (const { pool, route } of plan.routes) plane.setRoute(pool, route);
    this.#plane = plane;
    for (const message of this.#early.splice(0)) this.#carryOut(message, plane);
    this.#watchLoads(plane);
    return plane;
  }

  #parts(plan: WorkerPlan): Omit<DataPlaneOptions, "sockets"> {
    const { settings, pseudonym, releases } = plan;
    const { clock, random, log, trySend } = this.#options;
    const troubles = new TroubleLimit(clock, (host) => void trySend({ type: "trouble", host }));
    return {
      settings: settingsOf(settings),
      // Its own, so that no two workers number requests alike.
      bootId: randomId<BootId>(random),
      pseudonym,
      clock,
      register: this.#register,
      logTimeMs: (pool) => this.#logTimes.get(pool) ?? 0,
      trafficFailed: (host) => troubles.add(host),
      releases,
      logAccess: (entry) => logAccess(log, entry),
    };
  }

  #carryOut(message: WorkerCommand, plane: DataPlane): void {
    switch (message.type) {
      case "configure":
        this.#pools = poolsOf(message.settings);
        return plane.configure(settingsOf(message.settings));
      case "route":
        return plane.setRoute(message.pool, message.route);
      case "abandon":
        return plane.abandon(message.pool, message.host, message.epoch);
      case "heard":
        this.#learn(message.logTimes);
        return message.lives.forEach(({ host, sentMs }) => plane.hostLives(host, sentMs));
      case "measure":
        return void this.#measure(message.number);
      case "stop":
        return void this.#stop(plane, message.graceMs);
      default:
        return unreachable(message);
    }
  }

  #learn(logTimes: readonly LogTime[]): void {
    for (const { pool, logTimeMs } of logTimes) this.#logTimes.set(pool, logTimeMs);
  }

  async #measure(number: number): Promise<void> {
    this.#options.send({ type: "measured", number, metrics: await this.#register.getMetricsAsJSON() });
  }

  async #stop(plane: DataPlane, graceMs: number): Promise<void> {
    await plane.stop(graceMs);
    this.#watch();
    this.#options.exit("stopped");
  }

  /** A data plane does not say when its load changes: it is looked at, now and then. */
  #watchLoads(plane: DataPlane): void {
    this.#watch = this.#options.clock.after(LOADS_MS, () => {
      const loads = this.#pools.map((pool) => loadOf(pool, plane));
      const text = JSON.stringify(loads);
      if (text !== this.#told && this.#options.trySend({ type: "loads", loads })) this.#told = text;
      this.#watchLoads(plane);
    });
  }
}

const poolsOf = ({ pools }: WorkerSettings): readonly PoolId[] => pools.map(({ id }) => id);

const settingsOf = ({ addresses, ...others }: WorkerSettings): TrafficSettings => ({
  ...others,
  addresses: new Map(addresses.map(({ host, address }) => [host, address])),
});

function loadOf(pool: PoolId, plane: DataPlane): PoolLoad {
  const { requests, bytes } = plane.parked(pool);
  return { pool, parked: requests, parkedBytes: bytes, active: plane.active(pool) };
}
