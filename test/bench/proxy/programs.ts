/**
 * The processes that the benchmark starts, each on the cores that it is given. The terminal's Ctrl-C does not reach them:
 * they are ended by their ids, with all that they started, whatever becomes of the run.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { killProcesses, processTree } from "./process-cost.ts";

export interface Start {
  /** For errors. */
  readonly name: string;
  readonly command: readonly string[];
  readonly cores: readonly number[];
}

const TAIL_LETTERS = 4000;
const END_MS = 12_000;

export class Programs {
  readonly #taskset: string | null;
  readonly #stop: AbortSignal;
  readonly #running = new Set<Program>();
  /** Nothing runs on when this process ends before `endAll`. */
  readonly #onExit = (): void => this.#running.forEach((program) => program.kill());

  /** @param taskset `null`: there is none, and processes run where the system puts them. */
  constructor(taskset: string | null, stop: AbortSignal) {
    this.#taskset = taskset;
    this.#stop = stop;
    process.on("exit", this.#onExit);
  }

  start({ name, command, cores }: Start): Program {
    this.#stop.throwIfAborted();
    const pinned = this.#taskset === null ? [] : [this.#taskset, "-c", cores.join(",")];
    const program = new Program(name, [...pinned, ...command]);
    this.#running.add(program);
    void program.ended.then(() => this.#running.delete(program));
    return program;
  }

  /** Runs to the end. @returns what it printed. @throws if its exit code is not 0. */
  async run(start: Start): Promise<string> {
    const program = this.start(start);
    const why = await program.closed;
    this.#stop.throwIfAborted();
    if (why !== 0) throw program.failure();
    return program.output;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.end()));
  }

  close(): void {
    process.off("exit", this.#onExit);
  }
}

export class Program {
  readonly name: string;
  /** Resolves with the exit code or the signal, or with why it could not be started. */
  readonly ended: Promise<number | string>;
  /** The same, once all that it printed has arrived. */
  readonly closed: Promise<number | string>;
  readonly #child: ChildProcess;
  #output = "";
  #errors = "";
  #end: number | string | null = null;

  constructor(name: string, command: readonly string[]) {
    this.name = name;
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.stdout?.on("data", (chunk) => (this.#output = `${this.#output}${String(chunk)}`.slice(-TAIL_LETTERS)));
    this.#child.stderr?.on("data", (chunk) => (this.#errors = `${this.#errors}${String(chunk)}`.slice(-TAIL_LETTERS)));
    const next = (event: "exit" | "close"): Promise<number | string> =>
      new Promise((resolve) => {
        this.#child.once("error", ({ message }) => resolve(message));
        this.#child.once(event, (code, signal) => resolve(code ?? signal ?? 0));
      });
    this.ended = next("exit");
    this.closed = next("close");
    void this.ended.then((end) => (this.#end = end));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The last of what it printed. */
  get output(): string {
    return this.#output;
  }

  /** @throws if it has ended. */
  requireRunning(): void {
    if (this.#end !== null) throw this.failure();
  }

  failure(): Error {
    return new Error(`${this.name} ended with ${this.#end}: ${`${this.#errors}${this.#output}`.trim()}`);
  }

  /** Tells it to end, and ends it and what it started if it does not within the time. */
  async end(): Promise<void> {
    const tree = processTree(this.pid);
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), END_MS);
    await this.ended;
    clearTimeout(timer);
    // Whoever lost its parent is found no more by it.
    killProcesses(tree);
  }

  kill(): void {
    killProcesses(processTree(this.pid));
  }
}
