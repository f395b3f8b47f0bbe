/** `hotspare upgrade check|finish`: from one version of Hotspare to the next, node by node, without a failed request. */
import type { Command } from "commander";
import { withExample, type CommandContext } from "../command.ts";
import { registerUpgradeCheck } from "./upgrade-check.ts";
import { registerUpgradeFinish } from "./upgrade-finish.ts";

export function upgradeCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("upgrade")
    .summary("check or finish a rolling upgrade")
    .description("Checks or finishes a rolling upgrade to the version of this program.");
  withExample(group, "hotspare upgrade check --config hotspare.yaml", "hotspare upgrade finish");
  registerUpgradeCheck(group, context);
  registerUpgradeFinish(group, context);
}
