/** Programs of the system that the benchmark can use. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export const TOOLS = ["nginx", "haproxy", "wrk", "taskset"] as const;

export type Tool = (typeof TOOLS)[number];

/** Paths; `null`: there is none. */
export type Tools = Readonly<Record<Tool, string | null>>;

/** Servers lie where the `PATH` of ordinary users does not lead. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

export function findTools(path = process.env["PATH"] ?? ""): Tools {
  const folders = [...path.split(delimiter), ...MORE_FOLDERS];
  return Object.fromEntries(TOOLS.map((tool) => [tool, find(tool, folders)])) as Tools;
}

/** What is compared with what, in versions. */
export function versionsOf({ nginx, haproxy, wrk }: Tools): readonly string[] {
  const version = (name: string, tool: string | null): readonly string[] => {
    if (tool === null) return [];
    const { stdout, stderr } = spawnSync(tool, ["-v"], { encoding: "utf8" });
    return [`${name} ${/\d+\.\d+(?:\.\d+)*/.exec(`${stdout}${stderr}`)?.[0] ?? "of an unknown version"}`];
  };
  const others = [...version("nginx", nginx), ...version("HAProxy", haproxy), ...version("wrk", wrk)];
  return [...others, `Node.js ${process.versions.node}`];
}

function find(tool: Tool, folders: readonly string[]): string | null {
  return folders.map((folder) => join(folder, tool)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
