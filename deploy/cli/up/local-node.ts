/**
 * One host or proxy as a child process, with its log in a file, started again after a moment when it ends by itself, as a
 * supervisor would: a second first, so that a standby can take over meanwhile, then ever longer.
 *
 * It has a session of its own, so that Ctrl-C reaches `up` alone, and a pipe that ends with `up` (`parent-pipe.ts`).
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import type { Cancel, Clock } from "../../../shared/clock.ts";
import type { Env } from "../../../shared/config/substitute.ts";
import { PARENT_PIPE } from "../parent-pipe.ts";
import { LogTail } from "./log-tail.ts";
import { pauseProcess, type PausedProcess } from "./paused-process.ts";

export interface LocalNodeOptions {
  readonly id: string;
  readonly kind: "host" | "proxy";
  /** Path of the configuration. */
  readonly config: string;
  /** Path of its log; its folder is there. */
  readonly log: string;
  readonly program: readonly [node: string, main: string];
  readonly env: Env;
  readonly clock: Clock;
  /** Each line that it writes. */
  readonly line: (text: string) => void;
  /** It ended by itself. */
  readonly ended: (end: NodeEnd) => void;
}

export interface NodeEnd {
  /** `ended with exit code 70`, `was killed by SIGKILL`. */
  readonly how: string;
  /** When it is started again; `null`: never, for trying again cannot help. */
  readonly restartMs: number | null;
}

const FIRST_RESTART_MS = 1000;
const LONGEST_RESTART_MS = 30_000;
/** Who ran for so long was well: the waiting begins anew. */
const STABLE_MS = 30_000;
/** Usage and configuration, by sysexits. */
const HOPELESS = new Set([64, 78]);
const LARGEST_LOG_BYTES = 16 * 1024 * 1024;

export class LocalNode {
  readonly id: string;
  readonly kind: "host" | "proxy";
  readonly #options: LocalNodeOptions;
  readonly #tail: LogTail;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #paused: PausedProcess | null = null;
  #restart: Cancel = () => undefined;
  #restartMs = FIRST_RESTART_MS;
  #startedMs = 0;
  #stopping = false;

  /** @throws a system error if its log cannot be written. */
  constructor(options: LocalNodeOptions) {
    this.id = options.id;
    this.kind = options.kind;
    this.#options = options;
    const fromBytes = makeRoom(options.log);
    closeSync(openSync(options.log, "a"));
    this.#tail = new LogTail({ file: options.log, fromBytes, clock: options.clock, line: options.line });
  }

  get log(): string {
    return this.#options.log;
  }

  /** `null` while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get paused(): boolean {
    return this.#paused !== null;
  }

  start(): void {
    const { id, kind, config, program, env, clock, log } = this.#options;
    const [node, main] = program;
    const output = openSync(log, "a");
    const child = spawn(node, [main, kind, "--id", id, "--config", config], {
      stdio: ["pipe", output, output],
      env: { ...env, [PARENT_PIPE]: "1" },
      detached: true,
    });
    closeSync(output);
    child.stdin?.on("error", () => undefined);
    this.#child = child;
    this.#startedMs = clock.monotonicMs();
    this.#exited = new Promise((resolve) => {
      const end = (how: string, code: number | null): void => {
        if (this.#child !== child) return;
        this.#child = null;
        resolve();
        this.#noteEnd(how, code);
      };
      child.once("error", (error) => end(`could not be started: ${error.message}`, null));
      child.once("exit", (code, signal) =>
        end(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`, code),
      );
    });
  }

  /** SIGKILL. `false` if it does not run. */
  kill(): boolean {
    return this.#child?.kill("SIGKILL") ?? false;
  }

  /** SIGKILL, and it is not started again. */
  end(): void {
    this.#stopping = true;
    this.#restart();
    this.kill();
  }

  /** SIGSTOP until `resume`. */
  pause(): void {
    if (this.pid !== null) this.#paused ??= pauseProcess(this.pid);
  }

  resume(): void {
    this.#paused?.resume();
    this.#paused = null;
  }

  /** SIGTERM, and SIGKILL for who takes longer than `timeoutMs`. Resolves when it has ended; it is not started again. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#restart();
    this.resume();
    this.#child?.kill("SIGTERM");
    const cancel = this.#options.clock.after(timeoutMs, () => this.kill());
    await this.#exited;
    cancel();
    this.#tail.stop();
  }

  #noteEnd(how: string, code: number | null): void {
    const { clock, ended } = this.#options;
    this.resume();
    if (this.#stopping) return;
    this.#tail.read();
    if (code !== null && HOPELESS.has(code)) return ended({ how, restartMs: null });
    if (clock.monotonicMs() - this.#startedMs >= STABLE_MS) this.#restartMs = FIRST_RESTART_MS;
    const restartMs = this.#restartMs;
    this.#restartMs = Math.min(LONGEST_RESTART_MS, restartMs * 2);
    this.#restart = clock.after(restartMs, () => this.start());
    ended({ how, restartMs });
  }
}

/** What is too long becomes the old log. Returns the size of what stays. */
function makeRoom(log: string): number {
  const sizeBytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeBytes <= LARGEST_LOG_BYTES) return sizeBytes;
  renameSync(log, `${log}.old`);
  return 0;
}
