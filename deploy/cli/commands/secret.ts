/** `hotspare secret rotate|show`: the cluster's secret, told by the ids of its keys and never by its text. */
import type { Command } from "commander";
import { withExample, type CommandContext } from "../command.ts";
import { registerSecretRotate } from "./secret-rotate.ts";
import { registerSecretShow } from "./secret-show.ts";

export function secretCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("secret")
    .summary("rotate or show the cluster's secret")
    .description("Rotates the cluster's secret without a stop, or shows the ids of its keys.");
  withExample(group, "hotspare secret rotate --config hotspare.yaml", "hotspare secret show");
  registerSecretRotate(group, context);
  registerSecretShow(group, context);
}
