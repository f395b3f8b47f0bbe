/**
 * What a node tells the service manager that started it, by systemd's protocol: that it is ready, that it stops, what it is, and
 * at half of each watchdog interval that its main loop runs. Node.js has no datagram sockets of the kind that this needs, so
 * `systemd-notify` is started for each word. Says nothing where no service manager asks.
 *
 * What cannot be said is told once: a service manager that hears nothing ends the node by itself.
 */
import { spawn } from "node:child_process";
import type { Cancel, Clock } from "./clock.ts";
import type { Env } from "./config/substitute.ts";
import { reasonOf } from "./errors.ts";
import type { Log } from "./log.ts";

export interface ServiceManagerOptions {
  readonly env: Env;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Log;
  /** One line for people, such as the roles of its pools. */
  readonly status: () => string;
}

/** How often the line for people is told, where no watchdog is. */
const STATUS_MS = 10_000;
const MICROS_PER_MS = 1000;
/** A word that is not taken by then is given up: a node that stops has its pools to hand over. */
const PATIENCE_MS = 5000;

export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  #timer: Cancel = () => undefined;
  #speaking: Promise<void> = Promise.resolve();
  #isSpeaking = false;
  #failed = false;

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
  }

  /** It serves or follows; from now on the watchdog is fed for as long as this thread comes to its timers. */
  ready(): void {
    if (!this.#listens) return;
    this.#say("READY=1", this.#status);
    this.#scheduleLife();
  }

  /** Resolves when that was said, or could not be. */
  stopping(): Promise<void> {
    if (!this.#listens) return Promise.resolve();
    this.#timer();
    this.#say("STOPPING=1", "STATUS=stopping");
    return this.#speaking;
  }

  get #listens(): boolean {
    return this.#options.env["NOTIFY_SOCKET"] !== undefined;
  }

  get #status(): string {
    return `STATUS=${this.#options.status().replaceAll(/\s+/g, " ")}`;
  }

  /** `null`: nobody waits for this process. */
  get #watchdogMs(): number | null {
    const { env, pid } = this.#options;
    const ms = Number(env["WATCHDOG_USEC"]) / MICROS_PER_MS;
    return ms > 0 && (env["WATCHDOG_PID"] ?? String(pid)) === String(pid) ? ms : null;
  }

  #scheduleLife(): void {
    const watchdogMs = this.#watchdogMs;
    this.#timer = this.#options.clock.after(watchdogMs === null ? STATUS_MS : watchdogMs / 2, () => {
      // The one before still waits: this one would say nothing new.
      if (!this.#isSpeaking) this.#say(...(watchdogMs === null ? [] : ["WATCHDOG=1"]), this.#status);
      this.#scheduleLife();
    });
  }

  /** In order: what was said before has been taken first. */
  #say(...words: readonly string[]): void {
    this.#isSpeaking = true;
    this.#speaking = this.#speaking
      .then(() => notify(words, this.#options))
      .then(
        () => (this.#failed = false),
        (error: unknown) => this.#tellOnce(reasonOf(error)),
      )
      .then(() => {
        this.#isSpeaking = false;
      });
  }

  #tellOnce(reason: string): void {
    if (!this.#failed) this.#options.log.warn({ reason }, "the service manager does not hear this node");
    this.#failed = true;
  }
}

/** It waits until the message was read: one whose sender is gone cannot be told from a stranger's. */
function notify(words: readonly string[], { env, clock }: Pick<ServiceManagerOptions, "env" | "clock">): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("systemd-notify", words, { stdio: "ignore", env });
    const cancel = clock.after(PATIENCE_MS, () => child.kill("SIGKILL"));
    child.once("error", (error) => {
      cancel();
      reject(error);
    });
    child.once("close", (code, signal) => {
      cancel();
      if (code === 0) resolve();
      else reject(new Error(`systemd-notify ended with ${signal ?? code}`));
    });
  });
}
