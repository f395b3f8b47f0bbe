/**
 * Takes a changed secret into use while a node runs. The watch is a hint; what counts is what the file says, which is also
 * looked at now and then. A file that is being written is read again until it stands still: half of one could be right in
 * form. One that is not right changes nothing, and is told once.
 */
import { watch } from "chokidar";
import type { Cancel, Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { KeyRing } from "../signature/key-ring.ts";
import type { SecretSource } from "./config.ts";
import { readSecretAgain } from "./read-secret.ts";

export interface SecretWatchOptions {
  readonly source: SecretSource;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 1000;
const SETTLED_MS = 100;

/** Returns the stop. An environment variable never changes, so there is nothing to watch. */
export function watchSecret(options: SecretWatchOptions): () => Promise<void> {
  if (!("file" in options.source)) return () => Promise.resolve();
  const { file } = options.source;
  const look = new SecretLook(file, options);
  const watcher = watch(file, { ignoreInitial: true });
  watcher.on("all", () => look.now());
  watcher.on("error", (error) => options.log.warn({ reason: reasonOf(error) }, "the secret cannot be watched"));
  look.now();
  return () => {
    look.stop();
    return watcher.close();
  };
}

/** What was read: the same text twice is a file that stands still. */
type Reading =
  | { readonly type: "keys"; readonly keys: readonly Buffer[]; readonly text: string }
  | { readonly type: "broken"; readonly text: string };

class SecretLook {
  readonly #file: string;
  readonly #options: SecretWatchOptions;
  #cancel: Cancel = () => undefined;
  #reading = false;
  #before: Reading | null = null;
  /** What was told of a broken file; `null` while it is right. */
  #told: string | null = null;
  #stopped = false;

  constructor(file: string, options: SecretWatchOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** One at a time: what comes during a look is seen by the next one. */
  now(): void {
    if (this.#stopped || this.#reading) return;
    this.#cancel();
    this.#reading = true;
    void this.#read().then((reading) => {
      this.#reading = false;
      if (!this.#stopped) this.#seen(reading);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #seen(reading: Reading): void {
    const still = reading.text === this.#before?.text;
    this.#before = reading;
    if (still) this.#take(reading);
    this.#cancel = this.#options.clock.after(still ? LOOK_MS : SETTLED_MS, () => this.now());
  }

  async #read(): Promise<Reading> {
    try {
      const keys = await readSecretAgain(this.#file);
      return { type: "keys", keys, text: keys.map((key) => key.toString("hex")).join() };
    } catch (error) {
      return { type: "broken", text: reasonOf(error) };
    }
  }

  #take(reading: Reading): void {
    const { keys, log } = this.#options;
    if (reading.type === "broken") {
      if (this.#told === reading.text) return;
      this.#told = reading.text;
      return log.warn({ reason: reading.text }, "the secret was changed and is not right: the keys stay as they were");
    }
    this.#told = null;
    if (keys.replace(reading.keys)) log.info({ keys: keys.keyIds() }, "the keys of the secret were replaced");
  }
}
