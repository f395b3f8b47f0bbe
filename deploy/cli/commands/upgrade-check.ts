/** `hotspare upgrade check`: which versions the nodes have, what is left to do in which order, and what stands in the way. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { RECORD_FORMATS } from "../../../shared/journal/record-formats.ts";
import { programVersion } from "../../../shared/program-version.ts";
import { PROTOCOL } from "../../../shared/wire/protocol-range.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { FORMATS } from "../upgrade/format-table.ts";
import { nodeVersions } from "../upgrade/node-versions.ts";
import { planUpgrade, type OwnVersions } from "../upgrade/upgrade-plan.ts";
import { upgradeText } from "../upgrade/upgrade-text.ts";

interface CheckOptions extends ConfigOption, JsonOption {}

export function registerUpgradeCheck(group: Command, context: CommandContext): void {
  const command = group
    .command("check")
    .summary("show versions, and what is left to do in which order")
    .description(
      "Shows which versions each node has, what is left of the upgrade to the version of this program, in an order in which no request fails, and what stands in the way. Exit code 0 if nothing does, else 69.",
    );
  withExample(withJson(withConfig(command, context)), "hotspare upgrade check --config hotspare.yaml").action(
    async (options: CheckOptions) => run(options, context),
  );
}

async function run({ config: file, json }: CheckOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(file, context.env);
  const { sockets } = await openCommandNetworks(config, ["admin", "control"], context);
  const nodes = await nodeVersions(config, sockets, context);
  const own: OwnVersions = {
    program: programVersion(),
    node: process.versions.node,
    protocol: PROTOCOL,
    records: RECORD_FORMATS,
    configHash: config.hash,
  };
  const ids = config.pools.map(({ id }) => id);
  const plan = planUpgrade(nodes, ids, own);
  context.print(
    json ? JSON.stringify({ own, formats: FORMATS, nodes, ...plan }) : upgradeText({ own, nodes, plan }, context),
  );
  if (plan.inTheWay.length > 0) throw new HotspareError("HS_UPGRADE_WAITS", { reason: plan.inTheWay.join("; ") });
}
