/**
 * Keeps the configuration that a node runs with in step with its file. The watch is a hint; what counts is what the file
 * says, which is also looked at now and then. A file that is being written is read again until it stands still. One that is
 * not right changes nothing, and is told; what needs a restart stays as it runs, and is told.
 */
import { watch } from "chokidar";
import type { Cancel, Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Config } from "./config.ts";
import { atStart, type ConfigStanding } from "./config-standing.ts";
import { changedPaths } from "./flat-config.ts";
import type { ConfigOwner } from "./live-keys.ts";
import { configOf, readConfigAgain } from "./load-config.ts";
import { runningConfig } from "./running-config.ts";
import type { Env } from "./substitute.ts";

export interface ConfigKeeperOptions {
  /** What the node was started with. */
  readonly config: Config;
  readonly owner: ConfigOwner;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Log;
  /** What is to hold where the file says this; it may change without the file (`refresh`). */
  readonly effective: (file: Config) => Config;
  /** Told of each change, after it holds. */
  readonly apply: (standing: ConfigStanding) => void;
}

const LOOK_MS = 2000;
/** A copy over a slow network may pause in the middle, and half a file can be right. */
const SETTLED_MS = 500;

/** What was read: the same twice is a file that stands still. */
type Reading =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "unreadable"; readonly text: string };

export class ConfigKeeper {
  readonly #options: ConfigKeeperOptions;
  #standing: ConfigStanding;
  /** As it was when it was right last. */
  #file: Config;
  #before: Reading | null = null;
  /** What was judged last. */
  #judged: Reading | null = null;
  #reading = false;
  #stopped = false;
  #cancel: Cancel = () => undefined;
  #unwatch: () => Promise<void> = () => Promise.resolve();

  constructor(options: ConfigKeeperOptions) {
    this.#options = options;
    this.#file = options.config;
    this.#standing = atStart(options.config);
  }

  get standing(): ConfigStanding {
    return this.#standing;
  }

  start(): void {
    const { config, log } = this.#options;
    const watcher = watch(config.file, { ignoreInitial: true });
    watcher.on("all", () => this.#look());
    watcher.on("error", (error) => log.warn({ reason: reasonOf(error) }, "the configuration cannot be watched"));
    this.#unwatch = () => watcher.close();
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#unwatch();
  }

  /** What `effective` makes of the file may have changed. */
  refresh(): void {
    const { effective, owner } = this.#options;
    const { problem } = this.#standing;
    this.#stand({ ...runningConfig(this.#standing.config, effective(this.#file), owner), problem });
  }

  /** One at a time: what comes during a look is seen by the next one. */
  #look(): void {
    if (this.#stopped || this.#reading) return;
    this.#cancel();
    this.#reading = true;
    void this.#read().then((reading) => {
      this.#reading = false;
      if (!this.#stopped) this.#seen(reading);
    });
  }

  async #read(): Promise<Reading> {
    try {
      return { type: "text", text: await readConfigAgain(this.#options.config.file) };
    } catch (error) {
      return { type: "unreadable", text: reasonOf(error) };
    }
  }

  #seen(reading: Reading): void {
    const still = isSame(reading, this.#before);
    this.#before = reading;
    if (still && !isSame(reading, this.#judged)) this.#judge(reading);
    this.#cancel = this.#options.clock.after(still ? LOOK_MS : SETTLED_MS, () => this.#look());
  }

  #judge(reading: Reading): void {
    this.#judged = reading;
    const { config, env, effective, owner } = this.#options;
    try {
      if (reading.type === "unreadable") return this.#refuse(reading.text);
      this.#file = configOf(reading.text, config.file, env);
    } catch (error) {
      return this.#refuse(reasonOf(error));
    }
    this.#stand({ ...runningConfig(this.#standing.config, effective(this.#file), owner), problem: null });
  }

  #refuse(problem: string): void {
    this.#stand({ ...this.#standing, problem });
  }

  #stand(next: ConfigStanding): void {
    const before = this.#standing;
    const changed = changedPaths(before.config, next.config);
    const isSamePending = next.pendingRestart.join() === before.pendingRestart.join();
    if (changed.length === 0 && isSamePending && next.problem === before.problem) return;
    this.#standing = next;
    this.#tell(before, changed);
    this.#options.apply(next);
  }

  #tell(before: ConfigStanding, changed: readonly string[]): void {
    const { log } = this.#options;
    const { problem, pendingRestart } = this.#standing;
    if (problem !== null && problem !== before.problem)
      log.error({ reason: problem }, "the configuration was changed and is not right: this node goes on as before");
    if (problem === null && before.problem !== null) log.info({}, "the configuration is right again");
    if (changed.length > 0) log.info({ changed }, "the configuration was changed and is in use");
    if (pendingRestart.length > 0 && pendingRestart.join() !== before.pendingRestart.join())
      log.warn({ pendingRestart }, "the configuration was changed: restart this node to apply what needs that");
  }
}

const isSame = (one: Reading, other: Reading | null): boolean => one.type === other?.type && one.text === other.text;
