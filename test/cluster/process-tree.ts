/** Processes of this machine and what they have in memory, as `ps` tells. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly rssKiB: number;
}

/** A process, those that it started, and so on; nothing if it does not run. */
export function processTree(root: number): readonly RunningProcess[] {
  const told = spawnSync("ps", ["-A", "-o", "pid=,ppid=,rss="], { encoding: "utf8" }).stdout;
  const all = told
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0, rssKiB = 0]) => ({ pid, parent, rssKiB }));
  const within = (pid: number): readonly RunningProcess[] => all.filter(({ parent }) => parent === pid);
  const tree = all.filter(({ pid }) => pid === root);
  // It grows while it is walked along.
  for (const { pid } of tree) tree.push(...within(pid));
  return tree;
}

/** The most that a process ever had in memory; where the system does not tell, what it has now. */
export function mostResidentKiB({ pid, rssKiB }: RunningProcess): number {
  const status = `/proc/${pid}/status`;
  const found = existsSync(status) ? /^VmHWM:\s*(\d+)/m.exec(readFileSync(status, "utf8"))?.[1] : undefined;
  return found === undefined ? rssKiB : Number(found);
}
