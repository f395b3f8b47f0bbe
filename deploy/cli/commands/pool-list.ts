/** `hotspare pool list`: each pool, who serves it, who could, or why nobody does. */
import type { Command } from "commander";
import type { Route } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { plainTable } from "../plain-table.ts";
import { poolRows, type PoolRow } from "../pool/pool-row.ts";
import { printable } from "../printable.ts";

type ListOptions = ConfigOption & JsonOption;

export function registerPoolList(group: Command, context: CommandContext): void {
  const command = group.command("list").description("Shows each pool, who serves it, and who could take it over.");
  withExample(withJson(withConfig(command, context)), "hotspare pool list").action(async (options: ListOptions) =>
    run(options, context),
  );
}

async function run({ config: file, json }: ListOptions, context: CommandContext): Promise<void> {
  const link = await ClusterLink.open(loadConfig(file, context.env), context);
  try {
    const word = await link.askSomebody();
    const pools = poolRows(link.config, word);
    context.print(json ? JSON.stringify({ pools }) : tableOf(pools));
  } finally {
    link.close();
  }
}

const tableOf = (pools: readonly PoolRow[]): string =>
  plainTable(
    ["pool", "routes", "app", "state", "primary", "epoch", "slot", "could follow"],
    pools.map(({ pool, routes, app, state, primary, epoch, slot, fit, reason }) => [
      pool,
      routes.map(routeText).join(" "),
      printable(app),
      state,
      primary,
      epoch,
      slot,
      printable(reason ?? (fit.length > 0 ? fit.join(" ") : "nobody")),
    ]),
  );

const routeText = ({ host, path }: Route): string => `${host ?? ""}${path}`;
