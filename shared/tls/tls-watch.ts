/**
 * Takes new certificate files into use while a node runs. The watch on the files is a hint, a look now and then is what
 * counts. What is not right keeps the old certificate in use and is told once; certificate and key are two files, so it
 * must be wrong twice in a row. Also tells of a certificate in use that nears its end.
 */
import { watch } from "chokidar";
import type { Cancel, Clock } from "../clock.ts";
import type { TlsFiles } from "../config/config.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { tlsConcerns } from "./tls-concerns.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { readTlsMaterial } from "./tls-material.ts";

export interface TlsWatchOptions {
  readonly identity: TlsIdentity;
  readonly files: TlsFiles;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 3000;
/** Programs that renew certificates write several files, one after the other. */
const SETTLED_MS = 300;

/** Returns the stop. */
export function watchTls(options: TlsWatchOptions): () => Promise<void> {
  const looking = new TlsWatch(options);
  const { cert, key, ca } = options.files;
  const watcher = watch([cert, key, ...(ca === null ? [] : [ca])], { ignoreInitial: true });
  watcher.on("all", () => looking.lookSoon());
  // What cannot be watched is looked at all the same.
  watcher.on("error", () => undefined);
  looking.start();
  return async () => {
    looking.stop();
    await watcher.close();
  };
}

class TlsWatch {
  readonly #options: TlsWatchOptions;
  #cancel: Cancel = () => undefined;
  #stopped = false;
  /** Why the last look failed, and whether that was told. */
  #failure: { readonly reason: string; readonly told: boolean } | null = null;
  #concerns: readonly string[] = [];

  constructor(options: TlsWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#tellConcerns();
    this.#lookAfter(LOOK_MS);
  }

  lookSoon(): void {
    this.#lookAfter(SETTLED_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #lookAfter(delayMs: number): void {
    this.#cancel();
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { identity, files, log } = this.#options;
    const { section } = identity.material;
    try {
      const found = await readTlsMaterial(section, files, identity.material);
      this.#failure = null;
      if (found !== identity.material && !this.#stopped) {
        identity.replace(found);
        log.info({ event: "tls-reloaded", section }, "new certificate files are in use");
      }
    } catch (error) {
      this.#failed(reasonOf(error));
    }
    this.#tellConcerns();
    this.#lookAfter(this.#failure?.told === false ? SETTLED_MS : LOOK_MS);
  }

  #failed(reason: string): void {
    const { identity, log } = this.#options;
    if (this.#failure?.reason !== reason) this.#failure = { reason, told: false };
    else if (!this.#failure.told) {
      this.#failure = { reason, told: true };
      const { section } = identity.material;
      log.warn(
        { event: "tls-kept", section, reason },
        "new certificate files cannot be used: the old ones stay in use",
      );
    }
  }

  #tellConcerns(): void {
    const { identity, clock, log } = this.#options;
    const concerns = tlsConcerns(identity.material, clock.wallMs());
    for (const reason of concerns) {
      if (!this.#concerns.includes(reason)) log.warn({ event: "tls-concern", reason }, "a certificate needs attention");
    }
    this.#concerns = concerns;
  }
}
