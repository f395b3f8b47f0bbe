/** What a process and all below it cost, as the kernel counts: time on a core in user and system mode, memory in RAM. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessCost {
  readonly cpuMs: number;
  /** Summed over the processes: pages that they share count in each. */
  readonly residentBytes: number;
}

export interface ProcessStat {
  readonly parent: number;
  readonly cpuMs: number;
  /** When it started, in ticks since the machine did: tells it from a later process with the same id. */
  readonly startedAt: number;
}

export interface ProcessName {
  readonly pid: number;
  readonly startedAt: number;
}

/** The kernel's unit in `/proc`, the same on every Linux that Node.js runs on. */
export const TICK_MS = 10;

export function processCost(pid: number): ProcessCost {
  const costs = processTree(pid).flatMap((each) => costOf(each.pid) ?? []);
  return {
    cpuMs: costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    residentBytes: costs.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
  };
}

/** The process and its descendants, parents first; empty if it has ended. */
export function processTree(pid: number): readonly ProcessName[] {
  const all = allProcesses();
  const childrenOf = Map.groupBy(all, ({ parent }) => parent);
  const tree: ProcessName[] = all.filter((each) => each.pid === pid);
  for (const each of tree) tree.push(...(childrenOf.get(each.pid) ?? []));
  return tree;
}

/** Ends those of them that still run, and none that has got the id of one since. */
export function killProcesses(names: readonly ProcessName[]): void {
  for (const { pid, startedAt } of names) {
    if (statOf(pid)?.startedAt !== startedAt) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

/** @param text of `/proc/<pid>/stat`. The name in it may hold anything, blanks and brackets too. */
export function readStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent = 0, user = 0, system = 0, startedAt = 0] = [fields[1], fields[11], fields[12], fields[19]].map(Number);
  return { parent, cpuMs: (user + system) * TICK_MS, startedAt };
}

function allProcesses(): readonly (ProcessStat & ProcessName)[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    const stat = statOf(pid);
    return stat === null ? [] : [{ pid, ...stat }];
  });
}

function costOf(pid: number): ProcessCost | null {
  const stat = statOf(pid);
  const status = readOf(pid, "status");
  if (stat === null || status === null) return null;
  return { cpuMs: stat.cpuMs, residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024 };
}

function statOf(pid: number): ProcessStat | null {
  const text = readOf(pid, "stat");
  return text === null ? null : readStat(text);
}

/** `null` if the process has ended. */
function readOf(pid: number, file: "stat" | "status"): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}
