/** What the proxy benchmark is told on its command line. @throws with a line for people if it makes no sense. */
import { parseArgs } from "node:util";
import { numberOption } from "../../number-option.ts";
import { CONTENDERS, type Contender } from "./contender.ts";
import { FLOODS, type Flood } from "./flood.ts";
import { LOADS, type Load } from "./load.ts";

export interface BenchCommand {
  readonly seconds: number;
  readonly rounds: number;
  readonly contenders: readonly Contender[];
  readonly loads: readonly Load[];
  readonly floods: readonly Flood[];
  readonly json: boolean;
  readonly help: boolean;
}

export const HELP = `node test/bench/proxy.ts: Hotspare's proxy beside others, in one run, each on one core

  --seconds N    how long one measurement takes, in whole seconds; default 2
  --rounds N     measurements of each, in turns with the others; figures are medians; default 5
  --only LIST    these alone: of ${CONTENDERS.join(",")}
                 and of ${[...LOADS, ...FLOODS].join(",")};
                 default: all that the machine has. Ratios need nginx, added latency needs direct
  --json         print the report as JSON

nginx, haproxy and wrk are the Debian packages nginx-light, haproxy and wrk; what is missing is left out, and named.
For Linux: it reads what processes cost from /proc, and binds them to cores with taskset.
Exit code 0; 1: a request through Hotspare failed. Ctrl-C ends all that was started.

  node test/bench/proxy.ts --only direct,nginx,hotspare-1,get-1k,latency
`;

export function readCommand(args: readonly string[]): BenchCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "2" },
      rounds: { type: "string", default: "5" },
      only: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    seconds: wholeOption("--seconds", values.seconds, 600),
    rounds: wholeOption("--rounds", values.rounds, 100),
    ...chosen(values.only),
    json: values.json,
    help: values.help,
  };
}

function wholeOption(name: string, text: string, most: number): number {
  const found = numberOption(name, text, { least: 1, most });
  if (Number.isInteger(found)) return found;
  throw new Error(`${name}: found ${text}, accepted is a whole number from 1 to ${most}`);
}

/** Naming contenders leaves out other contenders; naming loads or floods leaves out other loads and floods. */
function chosen(only: string): Pick<BenchCommand, "contenders" | "loads" | "floods"> {
  const words = only.split(",").flatMap((word) => (word.trim() === "" ? [] : [word.trim()]));
  const accepted: readonly string[] = [...CONTENDERS, ...LOADS, ...FLOODS];
  const wrong = words.find((word) => !accepted.includes(word));
  if (wrong !== undefined) throw new Error(`--only: found ${wrong}, accepted are ${accepted.join(", ")}`);
  const named = <Word extends string>(list: readonly Word[]): readonly Word[] =>
    list.filter((word) => words.includes(word));
  const [contenders, loads, floods] = [named(CONTENDERS), named(LOADS), named(FLOODS)];
  const everyKind = loads.length + floods.length === 0;
  return {
    contenders: contenders.length === 0 ? CONTENDERS : contenders,
    loads: everyKind ? LOADS : loads,
    floods: everyKind ? FLOODS : floods,
  };
}
