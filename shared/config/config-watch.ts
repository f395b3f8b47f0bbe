/**
 * Notices that the configuration file was changed while a node runs, and says what of it: nothing of a change is half
 * applied, and an operator who edits the file is not left to guess. The watch is a hint; what counts is what is read then.
 */
import { watch } from "chokidar";
import type { Config } from "./config.ts";
import { loadConfig } from "./load-config.ts";
import type { Env } from "./substitute.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";

export interface ConfigWatchOptions {
  /** What the node runs with. */
  readonly config: Config;
  readonly env: Env;
  readonly log: Log;
}

/** Editors write a file in several steps; what is read is what it was left as. */
const SETTLED_MS = 200;

/** Returns the stop. */
export function watchConfig({ config, env, log }: ConfigWatchOptions): () => Promise<void> {
  const watcher = watch(config.file, { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: SETTLED_MS } });
  const look = (): void => {
    try {
      const changed = changedKeys(config, loadConfig(config.file, env));
      if (changed.length > 0) log.warn({ changed }, "the configuration was changed: restart this node to apply it");
    } catch (error) {
      log.error(
        { reason: reasonOf(error) },
        "the configuration was changed and is not right: this node goes on as before",
      );
    }
  };
  watcher.on("all", look);
  watcher.on("error", (error) => log.warn({ reason: reasonOf(error) }, "the configuration cannot be watched"));
  return () => watcher.close();
}

/** The top-level keys that differ. */
export function changedKeys(before: Config, after: Config): readonly string[] {
  const keys = Object.keys(before).filter((key) => key !== "hash" && key !== "file") as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
