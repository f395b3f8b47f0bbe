/**
 * The place of one worker: the process in it, and the next one when that has ended. Of the very first process an end is an
 * error of the proxy's start; after that whatever ends is started again, ever later if it does not live long.
 */
import type { Cancel, Clock } from "../../shared/clock.ts";
import { HotspareError, unreachable } from "../../shared/errors.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Log } from "../../shared/log.ts";
import { unpackError } from "../../shared/thread-error.ts";
import { logWorkerEnded, logWorkerStarted } from "../log-note.ts";
import { restartDelayMs, WELL_MS } from "./restart-delay.ts";
import type { Metrics, PoolLoad, ToWorker, WorkerPlan, WorkerReport } from "./worker-messages.ts";
import { WorkerProcess, type Patience } from "./worker-process.ts";

export interface WorkerSlotOptions {
  readonly node: NodeId;
  /** From 1. */
  readonly number: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly patience: Patience;
  readonly withheld: readonly string[];
  /** Of the program that runs in the proxy. */
  readonly version: string;
  /** What a worker that starts now has to know. */
  readonly plan: () => WorkerPlan;
  readonly trouble: (host: NodeId) => void;
  /** A process has ended; if it is started again, then after this. */
  readonly ended: (slot: WorkerSlot) => void;
}

const nothing = (): void => undefined;

export class WorkerSlot {
  readonly number: number;
  readonly #options: WorkerSlotOptions;
  readonly #loads = new Map<PoolId, PoolLoad>();
  readonly #first = Promise.withResolvers<void>();
  #state: "starting" | "serving" | "stopping" | "stopped" = "starting";
  #hasServed = false;
  #process: WorkerProcess | null = null;
  /** It has its plan: what changes from now on has to be told. */
  #isTold = false;
  #failure: HotspareError | null = null;
  #bornMs = 0;
  #shortLives = 0;
  #restarts = 0;
  #restart: Cancel = nothing;
  #deadline: Cancel = nothing;
  #question = 0;
  #answer: (metrics: Metrics | null) => void = nothing;
  #gone: () => void = nothing;

  constructor(options: WorkerSlotOptions) {
    this.number = options.number;
    this.#options = options;
  }

  get serves(): boolean {
    return this.#state === "serving";
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** How often another process had to be started. */
  get restarts(): number {
    return this.#restarts;
  }

  /** What its process said last; `null` of one that has just started. */
  load(pool: PoolId): PoolLoad | null {
    return this.#loads.get(pool) ?? null;
  }

  /**
   * Resolves when the first process takes connections.
   * @throws {HotspareError} HS_PORT_TAKEN, HS_TLS_UNUSABLE, HS_WORKER_ENDED
   */
  start(): Promise<void> {
    this.#fork();
    return this.#first.promise;
  }

  /** Nothing to one that has no plan yet: that will have everything in it. */
  tell(message: ToWorker): void {
    if (this.#isTold) this.#process?.send(message);
  }

  /** What it counted; `null` if it does not say so within the time. */
  measure(timeoutMs: number): Promise<Metrics | null> {
    if (!this.#isTold) return Promise.resolve(null);
    this.#question += 1;
    this.tell({ type: "measure", number: this.#question });
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, () => this.#answer(null));
      this.#answer = (metrics) => {
        cancel();
        this.#answer = nothing;
        resolve(metrics);
      };
    });
  }

  /** Lets its requests end for at most `graceMs`. Resolves when the process is gone; none is started any more. */
  async stop(graceMs: number): Promise<void> {
    const { clock, patience } = this.#options;
    this.#restart();
    this.#state = this.#process === null ? "stopped" : "stopping";
    if (this.#process === null) return;
    const gone = new Promise<void>((resolve) => (this.#gone = resolve));
    this.#deadline();
    this.#deadline = clock.after(graceMs + patience.stopMs, () => this.#process?.kill("it did not stop in time"));
    if (this.#isTold) this.tell({ type: "stop", graceMs });
    else this.#process.kill("the proxy stops");
    await gone;
  }

  #fork(): void {
    const { clock, patience } = this.#options;
    this.#bornMs = clock.monotonicMs();
    this.#failure = null;
    this.#process = new WorkerProcess({
      ...this.#options,
      said: (message) => this.#hear(message),
      ended: (how) => this.#ended(how),
    });
    this.#deadline = clock.after(patience.startMs, () => this.#process?.kill("it did not serve in time"));
  }

  #hear(message: WorkerReport): void {
    switch (message.type) {
      case "awake":
        return this.#awake(message.version);
      case "listening":
        return this.#listening();
      case "failed":
        this.#failure = unpackError(message.error);
        return;
      case "loads":
        return message.loads.forEach((load) => this.#loads.set(load.pool, load));
      case "trouble":
        return this.#options.trouble(message.host);
      case "measured":
        return message.number === this.#question ? this.#answer(message.metrics) : undefined;
      default:
        return unreachable(message);
    }
  }

  #awake(theirs: string): void {
    const { version, plan } = this.#options;
    const other = `its program is of version ${theirs}, that of the proxy of ${version}: the proxy has to be started again`;
    if (theirs !== version) return this.#process?.kill(other);
    if (this.#state !== "starting") return;
    this.#isTold = true;
    this.#process?.send({ type: "start", plan: plan() });
    this.#process?.watch();
  }

  #listening(): void {
    if (this.#state !== "starting") return;
    this.#deadline();
    this.#state = "serving";
    this.#hasServed = true;
    this.#first.resolve();
    logWorkerStarted(this.#options.log, { worker: this.number, pid: this.pid });
  }

  #ended(how: string): void {
    this.#deadline();
    this.#process = null;
    this.#isTold = false;
    this.#loads.clear();
    this.#answer(null);
    this.#options.ended(this);
    const reason = this.#failure === null ? how : this.#failure.message;
    if (this.#state === "stopping") this.#state = "stopped";
    if (this.#state === "stopped" || !this.#hasServed) {
      this.#first.reject(this.#failure ?? new HotspareError("HS_WORKER_ENDED", { worker: this.number, reason }));
      return this.#gone();
    }
    this.#state = "starting";
    this.#startAgain(reason);
  }

  #startAgain(reason: string): void {
    const { clock, log } = this.#options;
    const wasWell = clock.monotonicMs() - this.#bornMs >= WELL_MS;
    this.#shortLives = wasWell ? 0 : this.#shortLives + 1;
    const restartMs = restartDelayMs(this.#shortLives);
    logWorkerEnded(log, { worker: this.number, reason, restartMs });
    this.#restart = clock.after(restartMs, () => {
      this.#restarts += 1;
      this.#fork();
    });
  }
}
