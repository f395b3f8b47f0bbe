/**
 * The process of a node that a cluster of tests started, and its threads by name, as the kernel lists them: a fault is put
 * into the one thread that touches the vault, and into nothing else.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Its process id. @throws if it does not run. */
export function processOf(config: string, id: string): number {
  const wanted = `\0--id\0${id}\0--config\0${config}\0`;
  for (const name of readdirSync("/proc")) {
    const isNode = /^\d+$/.test(name) && read(`/proc/${name}/comm`) !== "strace";
    if (isNode && read(`/proc/${name}/cmdline`).includes(wanted)) return Number(name);
  }
  throw new Error(`${id} does not run`);
}

/** Ids of the processes that have that word among their arguments. */
export const processesWith = (word: string): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).split("\0").includes(word))
    .map(Number);

/** Ids of the threads of that name, oldest first; names are cut after 15 characters. */
export function threadsOf(pid: number, name: string): readonly number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.filter((thread) => read(`/proc/${pid}/task/${thread}/comm`) === name.slice(0, 15)).map(Number);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/\n$/, "");
  } catch {
    // It has just ended.
    return "";
  }
}
