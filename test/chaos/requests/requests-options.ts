/** What a run is told on its command line. @throws with a line for people if it makes no sense. */
import { parseArgs } from "node:util";
import { numberOption } from "../../number-option.ts";

export interface RequestsOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly clients: number;
  readonly keep: boolean;
}

export interface RequestsCommand extends RequestsOptions {
  readonly json: boolean;
  readonly help: boolean;
}

export const HELP = `node test/chaos/requests/main.ts: clients that never retry, while the primary is killed, paused and replaced

  --minutes N    how long faults go on; default 1
  --seconds N    the same in seconds
  --seed S       which faults, which requests; default: at random, and printed
  --clients N    keep-alive connections, over two proxies; default 64
  --keep         keep the cluster's folder. It is kept anyway when a promise is broken
  --json         print the report as JSON

Ctrl-C ends the faults, and what happened so far is checked. Exit code 0: no request failed, no write is lost or doubled, no
answer was short or wrong; 1: a promise is broken.
`;

export function readCommand(args: readonly string[], randomSeed: number): RequestsCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string" },
      seconds: { type: "string" },
      seed: { type: "string", default: String(randomSeed) },
      clients: { type: "string", default: "64" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    seconds: secondsOf(values),
    seed: numberOption("--seed", values.seed, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    clients: numberOption("--clients", values.clients, { least: 1, most: 4096 }),
    keep: values.keep,
    json: values.json,
    help: values.help,
  };
}

function secondsOf({ minutes, seconds }: { readonly minutes?: string; readonly seconds?: string }): number {
  if (minutes !== undefined && seconds !== undefined)
    throw new Error("--minutes and --seconds: accepted is one of them");
  if (seconds !== undefined) return numberOption("--seconds", seconds, { least: 1, most: 86_400 });
  return 60 * numberOption("--minutes", minutes ?? "1", { least: 0.01, most: 24 * 60 });
}
