/**
 * Tells that something may have changed in a folder, by the kernel's notifications. A hint only: a share tells nothing
 * of what other machines do. Until the folder exists, the nearest one above it is watched.
 */
import { watch, type FSWatcher } from "node:fs";
import { systemCode } from "./vault-fault.ts";

/** Calls `changed`, at most once per turn of the event loop, after something happened. Returns the stop. */
export function watchFolder(root: string, components: readonly string[], changed: () => void): () => void {
  let stopped = false;
  let announced = false;
  let depth = -1;
  let watcher: FSWatcher | null = null;

  const announce = (): void => {
    if (announced || stopped) return;
    announced = true;
    setImmediate(() => {
      announced = false;
      if (stopped) return;
      if (depth < components.length) descend();
      changed();
    });
  };

  const release = (): void => {
    watcher?.close();
    watcher = null;
    depth = -1;
  };

  /** As deep as there are folders; once more after each step, because a folder may have been made meanwhile. */
  const descend = (): void => {
    for (let wanted = components.length; wanted > depth; wanted -= 1) {
      const next = open([root, ...components.slice(0, wanted)].join("/"), announce, release);
      if (!next) continue;
      watcher?.close();
      watcher = next;
      depth = wanted;
      wanted = components.length + 1;
    }
  };

  descend();
  return () => {
    stopped = true;
    release();
  };
}

function open(path: string, announce: () => void, release: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, announce);
    watcher.on("error", release);
    return watcher;
  } catch (error) {
    systemCode(error);
    return null;
  }
}
