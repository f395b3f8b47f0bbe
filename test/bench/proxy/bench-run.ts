/** The whole benchmark: what the machine cannot do is left out and named, the rest is compared, load by load. */
import type { BenchCommand } from "./bench-options.ts";
import { BenchSite } from "./bench-site.ts";
import { compare, type ComparisonOptions } from "./comparison.ts";
import { isHotspare, TITLES, type Contender } from "./contender.ts";
import { allowedCores, coresText, placeOnCores } from "./cores.ts";
import { compareFlooded } from "./flood-comparison.ts";
import { FLOODED, FLOOD_SHAPES, type Flood } from "./flood.ts";
import { HAS_WORKERS } from "./hotspare-text.ts";
import { SHAPES, type Load } from "./load.ts";
import { summarise, summariseFlood, type FloodRow, type LoadRow } from "./summary.ts";
import { findTools, versionsOf, type Tools } from "./tools.ts";

export interface BenchReport {
  readonly versions: readonly string[];
  readonly cores: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly loads: readonly { readonly load: Load; readonly rows: readonly LoadRow[] }[];
  readonly floods: readonly { readonly flood: Flood; readonly rows: readonly FloodRow[] }[];
  /** What was left out, each with its reason. */
  readonly skipped: readonly string[];
}

export interface BenchSurroundings {
  readonly says: (line: string) => void;
  readonly stop: AbortSignal;
}

/** @throws if a contender cannot be started or answers wrongly, and when it is stopped; nothing runs on then. */
export async function runBench(command: BenchCommand, { says, stop }: BenchSurroundings): Promise<BenchReport> {
  const tools = findTools();
  const plan = planOf(command, tools);
  const cores = placeOnCores(allowedCores());
  const site = new BenchSite(tools, cores, stop);
  stop.addEventListener("abort", () => void site.programs.endAll());
  const { seconds, rounds } = command;
  const options = (contenders: readonly Contender[]): ComparisonOptions => ({ contenders, seconds, rounds, says });
  const [loads, floods]: [{ load: Load; rows: readonly LoadRow[] }[], { flood: Flood; rows: readonly FloodRow[] }[]] = [
    [],
    [],
  ];
  try {
    for (const load of plan.loads)
      loads.push({ load, rows: summarise(await compare(site, load, options(plan.contenders))) });
    for (const flood of plan.floods)
      floods.push({
        flood,
        rows: summariseFlood(await compareFlooded(site, flood, options(floodedOf(plan.contenders)))),
      });
  } finally {
    await site.close();
  }
  const places = tools.taskset === null ? "no process is bound to a core" : coresText(cores);
  return { versions: versionsOf(tools), cores: places, seconds, rounds, loads, floods, skipped: plan.skipped };
}

/** Whether a request through Hotspare failed. */
export const hotspareFailed = ({ loads, floods }: BenchReport): boolean =>
  [...loads, ...floods].some(({ rows }) => rows.some(({ contender, failed }) => isHotspare(contender) && failed > 0));

export interface Plan {
  readonly contenders: readonly Contender[];
  readonly loads: readonly Load[];
  readonly floods: readonly Flood[];
  readonly skipped: readonly string[];
}

/** What of it this machine can do. */
export function planOf(
  { contenders, loads, floods }: Pick<BenchCommand, "contenders" | "loads" | "floods">,
  tools: Tools,
  hasWorkers = HAS_WORKERS,
): Plan {
  const skipped: string[] = tools.taskset === null ? ["no taskset here: figures of one core are not to be had"] : [];
  const possible = <Item>(
    items: readonly Item[],
    title: (item: Item) => string,
    lack: (item: Item) => string | null,
  ): Item[] =>
    items.filter((item) => {
      const reason = lack(item);
      if (reason !== null) skipped.push(`skipped: ${title(item)}: ${reason}`);
      return reason === null;
    });
  const missing = (...needed: readonly ("nginx" | "haproxy" | "wrk")[]): string | null => {
    const absent = needed.filter((tool) => tools[tool] === null);
    return absent.length === 0 ? null : `no ${absent.join(", no ")} here`;
  };
  const able = possible(
    contenders,
    (each) => TITLES[each],
    (each) => {
      if (each === "nginx" || each === "haproxy") return missing(each);
      return each === "hotspare-2" && !hasWorkers ? "this version's proxy has one process" : null;
    },
  );
  return {
    contenders: able,
    loads: possible(
      loads,
      (load) => SHAPES[load].title,
      (load) => (SHAPES[load].upstream === "http" ? missing("nginx", "wrk") : null),
    ),
    floods: possible(
      floods,
      (flood) => FLOOD_SHAPES[flood].title,
      () => (floodedOf(able).length === 0 ? `none of ${FLOODED.join(", ")} is there` : missing("nginx")),
    ),
    skipped,
  };
}

const floodedOf = (contenders: readonly Contender[]): readonly Contender[] =>
  contenders.filter((contender) => FLOODED.includes(contender));
