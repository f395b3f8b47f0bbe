/** What `npm run simulate` is told. @throws with a line for people if it makes no sense: no seed played is no proof. */
import { parseArgs } from "node:util";
import { numberOption } from "../number-option.ts";

export const HELP = `npm run simulate -- [options]; SEED=n npm run simulate plays one seed again
  --seeds <n>     so many seeds (300)
  --minutes <n>   as long instead
  --from <n>      the first seed (1)
  --cores         the cores alone: fewer parts, many more seeds
  --plots         one fault in a cluster that is well, of which it is known what must come of it
  --lines <n>     of the log of a failure (80)
  --json          the summary as JSON
`;

const COUNT = { least: 1, most: Number.MAX_SAFE_INTEGER };

export interface SimulateCommand {
  /** The one seed to play again; null: many. */
  readonly seed: number | null;
  readonly from: number;
  /** Either so many seeds, or so many minutes. */
  readonly seeds: number | null;
  readonly minutes: number | null;
  readonly lines: number;
  readonly cores: boolean;
  readonly plots: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export function readCommand(args: readonly string[], seed: string | undefined): SimulateCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "300" },
      minutes: { type: "string" },
      from: { type: "string", default: "1" },
      cores: { type: "boolean", default: false },
      plots: { type: "boolean", default: false },
      lines: { type: "string", default: "80" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { minutes, cores, plots, json, help } = values;
  if (cores && plots) throw new Error("--cores and --plots: there are plots for whole clusters only");
  return {
    seed: seed === undefined ? null : numberOption("SEED", seed, COUNT),
    from: numberOption("--from", values.from, COUNT),
    seeds: minutes === undefined ? numberOption("--seeds", values.seeds, COUNT) : null,
    minutes: minutes === undefined ? null : numberOption("--minutes", minutes, { least: 0.01, most: 24 * 60 }),
    lines: numberOption("--lines", values.lines, COUNT),
    cores,
    plots,
    json,
    help,
  };
}
