/** `hotspare vault check|verify|list`: the shared folder, seen from this machine. No node has to run. */
import type { Command } from "commander";
import { withExample, type CommandContext } from "../command.ts";
import { registerVaultCheck } from "./vault-check.ts";
import { registerVaultList } from "./vault-list.ts";
import { registerVaultVerify } from "./vault-verify.ts";

export function vaultCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("vault")
    .summary("check, verify or list the vault")
    .description("Checks, verifies or lists the vault. No node has to run.");
  withExample(group, "hotspare vault check --config hotspare.yaml", "hotspare vault verify --pool main");
  registerVaultCheck(group, context);
  registerVaultVerify(group, context);
  registerVaultList(group, context);
}
