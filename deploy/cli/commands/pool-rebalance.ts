/** `hotspare pool rebalance`: moves pools one after the other until all hosts serve as many. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { excludedNodes } from "../../../shared/revisions/decisions.ts";
import { ClusterLink, type ClusterWord } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  withReason,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { handOverPool } from "../hand-over-pool.ts";
import { plainTable } from "../plain-table.ts";
import { poolRows } from "../pool/pool-row.ts";
import { planRebalance, type Move } from "../pool/rebalance-plan.ts";
import { Spinner } from "../spinner.ts";

interface RebalanceOptions extends ConfigOption, JsonOption {
  readonly reason: string;
  readonly dryRun?: true;
}

type Done = Move & { readonly epoch: number; readonly pauseMs: number };

export function registerPoolRebalance(group: Command, context: CommandContext): void {
  const command = group
    .command("rebalance")
    .description(
      "Moves as few pools as it takes for all hosts to serve as many, one after the other and with nothing failed. It may be interrupted, and run again.",
    )
    .option("--dry-run", "only say which pools would move");
  withExample(withJson(withReason(withConfig(command, context))), "hotspare pool rebalance --dry-run").action(
    async (options: RebalanceOptions) => run(options, context),
  );
}

async function run(options: RebalanceOptions, context: CommandContext): Promise<void> {
  const { json, dryRun } = options;
  const link = await ClusterLink.open(loadConfig(options.config, context.env), context);
  try {
    const word = await link.askSomebody();
    const moves = planned(link, word);
    if (moves.length === 0 && !json) return context.print("All hosts that can serve as many pools do already.");
    if (dryRun) return context.print(json ? told(moves, false) : `${plan(moves)}\n\nNothing was changed.`);
    await carryOut(moves, { link, word, options, context });
  } finally {
    link.close();
  }
}

function planned(link: ClusterLink, word: ClusterWord): readonly Move[] {
  const { config } = link;
  const excluded = excludedNodes(word.decisions);
  const hosts = config.hosts.filter(({ id, candidate }) => candidate && !excluded.includes(id)).map(({ id }) => id);
  const served = poolRows(config, word).flatMap(({ pool, primary, fit }) =>
    primary === null ? [] : [{ pool, primary, fit }],
  );
  return planRebalance(served, hosts);
}

interface CarriedOut {
  readonly link: ClusterLink;
  readonly word: ClusterWord;
  readonly options: RebalanceOptions;
  readonly context: CommandContext;
}

/** What fails stops it: by then the cluster is another than the plan was made for. What has moved is told in any case. */
async function carryOut(moves: readonly Move[], { link, word, options, context }: CarriedOut): Promise<void> {
  const cause = `rebalance by ${link.by}${options.reason === "" ? "" : `: ${options.reason}`}`;
  const spinner = new Spinner(context, "pools move");
  const done: Done[] = [];
  try {
    for (const [at, move] of moves.entries()) {
      spinner.progress(`pool ${move.pool} moves from ${move.from} to ${move.to}`, at, moves.length);
      const { answer } = await handOverPool(link, word, { pool: move.pool, to: move.to, cause, dryRun: false });
      done.push({ ...move, epoch: answer.fence?.epoch ?? 0, pauseMs: Math.round(answer.pauseMs) });
    }
  } finally {
    spinner.end();
    if (options.json) context.print(told(done, done.length > 0));
    else if (done.length > 0) context.print(result(done));
  }
}

const told = (moves: readonly Move[], changed: boolean): string => JSON.stringify({ moves, changed });

const plan = (moves: readonly Move[]): string =>
  plainTable(
    ["pool", "from", "to"],
    moves.map(({ pool, from, to }) => [pool, from, to]),
  );

const result = (done: readonly Done[]): string =>
  plainTable(
    ["pool", "from", "to", "epoch", "writes waited"],
    done.map(({ pool, from, to, epoch, pauseMs }) => [pool, from, to, epoch, `${pauseMs} ms`]),
  );
