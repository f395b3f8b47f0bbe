/** `hotspare node remove`: removes a node that is offline for good, with what it left in the vault. */
import type { Command } from "commander";
import { HotspareError } from "../../../shared/errors.ts";
import { withConfig, withExample, withJson, withReason, type CommandContext } from "../command.ts";
import { confirm, type YesOption } from "../confirm.ts";
import { decide, runOperation, type Operation, type OperationOptions, type Outcome } from "../node/run-operation.ts";

interface RemoveOptions extends OperationOptions, YesOption {}

export function registerNodeRemove(group: Command, context: CommandContext): void {
  const command = group
    .command("remove <node>")
    .description(
      "Removes a node that is offline from the cluster for good, with what it has left in the vault. It takes no part any more, whatever a copy of the configuration says.",
    )
    .option("--yes", "do not ask");
  withExample(withJson(withReason(withConfig(command, context))), "hotspare node remove host-b --yes").action(
    async (node: string, options: RemoveOptions) =>
      runOperation(node, options, context, (operation) => remove(operation, options)),
  );
}

async function remove(operation: Operation, options: RemoveOptions): Promise<Outcome | null> {
  const { node, look, context } = operation;
  const { id } = node;
  const { state, by } = look.state;
  if (state === "in transition") return await node.refuseBusy(look);
  if (state !== "removed" && by === null)
    throw new HotspareError("HS_DECISION_REFUSED", { reason: `${id} is part of the cluster; take it offline first` });
  if (state !== "removed" && !(await confirm(`Remove ${id} for good?`, options, context))) return null;
  const decided = await decide(operation, { type: "remove", node: id }, options);
  const text = `${id} is removed. End its process; nodes that run take it out of their copies of the configuration`;
  return { ...decided, state: "removed", text };
}
