/**
 * One worker process, from its fork to its end: messages both ways, and whether its loop turns. One that leaves ten questions
 * in a row unanswered is killed. Questions are counted, not seconds: a proxy that was paused itself must not blame its
 * workers. The worker ends by itself when its parent is gone, for Node.js tells it that the channel broke.
 */
import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import type { Cancel, Clock } from "../../shared/clock.ts";
import { reasonOf } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import { threadUrl } from "../../shared/thread-url.ts";
import { checkFromWorker, type ToWorker, type WorkerReport } from "./worker-messages.ts";

export interface WorkerProcessOptions {
  readonly node: NodeId;
  /** From 1; shown in logs and among the system's processes. */
  readonly number: number;
  readonly clock: Clock;
  readonly patience: Patience;
  /** Environment variables that it must not have. */
  readonly withheld: readonly string[];
  readonly said: (message: WorkerReport) => void;
  /** Called once. `how`: such as `it was killed by SIGKILL`. */
  readonly ended: (how: string) => void;
}

/** How long a worker may take, before it is killed. */
export interface Patience {
  /** From its fork until it takes connections. */
  readonly startMs: number;
  readonly pingMs: number;
  /** Pings in a row that may stay unanswered. */
  readonly pings: number;
  /** Beyond the time that its requests were given, when it is told to stop. */
  readonly stopMs: number;
}

export const PATIENCE: Patience = { startMs: 30_000, pingMs: 1000, pings: 10, stopMs: 2000 };

export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly #worker: Worker | null;
  #unanswered = 0;
  #ping: Cancel = () => undefined;
  #killed: string | null = null;
  #hasEnded = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    try {
      this.#worker = fork(options);
    } catch (error) {
      // The system has no room for another process. As every end it is told later, never within.
      this.#worker = null;
      options.clock.after(0, () => this.#end(`it could not be started: ${reasonOf(error)}`));
      return;
    }
    this.#listen(this.#worker);
  }

  get pid(): number | undefined {
    return this.#worker?.process.pid;
  }

  /** Asks from now on whether its loop turns. */
  watch(): void {
    const { clock, patience } = this.#options;
    this.#ping = clock.after(patience.pingMs, () => {
      if (this.#unanswered >= patience.pings) return this.kill("its loop stood still");
      this.#unanswered += 1;
      this.send({ type: "ping" });
      this.watch();
    });
  }

  send(message: ToWorker): void {
    // What could not be sent is not needed any more: the channel breaks with the process.
    if (this.#worker?.isConnected()) this.#worker.send(message, () => undefined);
  }

  /** SIGKILL; `why` is said when it has ended. */
  kill(why: string): void {
    this.#killed ??= why;
    this.#worker?.process.kill("SIGKILL");
  }

  #listen(worker: Worker): void {
    worker.on("message", (message: unknown) => this.#hear(message));
    worker.once("exit", (code: number | null, signal: string | null) => {
      const how = signal === null ? `it ended with exit code ${code}` : `it was killed by ${signal}`;
      this.#end(this.#killed === null ? how : `${how}: ${this.#killed}`);
    });
    worker.on("error", (error) => {
      // Of a process that never was there is no exit.
      if (this.pid === undefined) this.#end(`it could not be started: ${error.message}`);
    });
  }

  #hear(value: unknown): void {
    if (this.#hasEnded) return;
    this.#unanswered = 0;
    try {
      const message = checkFromWorker(value);
      if (message.type !== "pong") this.#options.said(message);
    } catch (error) {
      this.kill(reasonOf(error));
    }
  }

  #end(how: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ping();
    this.#options.ended(how);
  }
}

function fork({ node, number, withheld }: WorkerProcessOptions): Worker {
  // Where all workers share one socket, whoever has time takes the next connection, and the parent touches none: a flood
  // of connections does not reach it.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(threadUrl("./worker-main", import.meta.url)),
    args: [node, String(number)],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return cluster.fork(Object.fromEntries(withheld.map((name) => [name, undefined])));
}
