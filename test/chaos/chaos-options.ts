/** What a chaos run is told on its command line. @throws with a line for people if it makes no sense. */
import { parseArgs } from "node:util";
import { numberOption } from "../number-option.ts";
import { FAULT_KINDS, type FaultKind } from "./fault.ts";

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly hosts: number;
  readonly proxies: number;
  readonly kinds: readonly FaultKind[];
  readonly keep: boolean;
}

export interface ChaosCommand extends ChaosOptions {
  readonly json: boolean;
  readonly help: boolean;
}

export const HELP = `node test/chaos/main.ts: a real cluster, clients that remember every answer, and one fault after the other

  --minutes N    how long faults go on; default 1
  --seed S       which faults, in which order; default: at random, and printed
  --hosts N      2 to 6; default 3
  --proxies N    1 to 6; default 2
  --faults LIST  of ${FAULT_KINDS.join(",")}; default: all that the machine allows
  --keep         keep the cluster's folder: logs, vault, history.jsonl. It is kept anyway when a promise is broken
  --json         print the report as JSON

network needs root, ip and nft (namespaces are made, and removed again); clock needs the Debian package faketime.
Ctrl-C ends the faults, and what happened so far is checked. Exit code 0: nothing lost, nothing doubled; 1: a promise is broken.

  node test/chaos/main.ts --minutes 10
  node test/chaos/main.ts --seed 571 --faults kill,pause
`;

export function readCommand(args: readonly string[], randomSeed: number): ChaosCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(randomSeed) },
      hosts: { type: "string", default: "3" },
      proxies: { type: "string", default: "2" },
      faults: { type: "string", default: FAULT_KINDS.join(",") },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    minutes: numberOption("--minutes", values.minutes, { least: 0.01, most: 24 * 60 }),
    seed: numberOption("--seed", values.seed, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    hosts: numberOption("--hosts", values.hosts, { least: 2, most: 6 }),
    proxies: numberOption("--proxies", values.proxies, { least: 1, most: 6 }),
    kinds: values.faults.split(",").map(faultKind),
    keep: values.keep,
    json: values.json,
    help: values.help,
  };
}

function faultKind(text: string): FaultKind {
  const found = FAULT_KINDS.find((kind) => kind === text.trim());
  if (found) return found;
  throw new Error(`--faults: found ${text}, accepted are ${FAULT_KINDS.join(", ")}`);
}
