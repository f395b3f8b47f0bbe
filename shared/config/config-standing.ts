/** How a node stands to its configuration file: what it runs with, and what of the file it could not take. */
import type { Config } from "./config.ts";

export interface ConfigStanding {
  readonly config: Config;
  /** Why the file as it is now cannot be used; the node goes on as before. `null`: it can. */
  readonly problem: string | null;
  /** What of the file waits for a restart of this node: paths, such as `hosts[host-a].listen`. */
  readonly pendingRestart: readonly string[];
}

/** What it says of that to others, bounded. */
export interface ConfigRemarks {
  readonly configProblem: string | null;
  readonly pendingRestart: string[];
}

const MOST_PATHS = 16;
const MOST_LETTERS = 500;

export const atStart = (config: Config): ConfigStanding => ({ config, problem: null, pendingRestart: [] });

export function remarksOf({ problem, pendingRestart }: Omit<ConfigStanding, "config">): ConfigRemarks {
  const shown = pendingRestart.slice(0, MOST_PATHS);
  const more = pendingRestart.length - shown.length;
  return {
    configProblem: problem === null ? null : problem.slice(0, MOST_LETTERS),
    pendingRestart: more === 0 ? shown : [...shown, `${more} more`],
  };
}
