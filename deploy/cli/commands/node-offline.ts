/** `hotspare node offline`: takes a node out; what a host serves moves away first. */
import type { Command } from "commander";
import { withConfig, withExample, withJson, withReason, type CommandContext } from "../command.ts";
import { requireRemaining } from "../node/remaining.ts";
import { decide, runOperation, type Operation, type OperationOptions, type Outcome } from "../node/run-operation.ts";

interface OfflineOptions extends OperationOptions {
  readonly last?: true;
  readonly wait: boolean;
}

export function registerNodeOffline(group: Command, context: CommandContext): void {
  const command = group
    .command("offline <node>")
    .description(
      "Takes a node out: it never takes over and has no vote, also after any restart, until it is brought online. What a host serves moves to another host first.",
    )
    .option("--last", "also if nobody else could serve: after a final checkpoint the pool then rests")
    .option("--no-wait", "do not wait until it is out");
  withExample(
    withJson(withReason(withConfig(command, context))),
    'hotspare node offline host-b --reason "new disks"',
  ).action(async (node: string, options: OfflineOptions) =>
    runOperation(node, options, context, (operation) => takeOut(operation, options)),
  );
}

async function takeOut(operation: Operation, options: OfflineOptions): Promise<Outcome> {
  const { link, node, look, context } = operation;
  if (look.state.by === null && look.state.state === "in transition") return await node.refuseBusy(look);
  const isOut = look.state.by !== null || look.state.state === "removed";
  if (!isOut && !options.last) requireRemaining(link.config, node.id, look.word);
  const change = { type: "offline", node: node.id, last: options.last ?? false } as const;
  const decided = await decide(operation, change, options);
  if (!options.wait) return { ...decided, state: "in transition", text: `${node.id} goes offline` };
  const { state } = await node.until(
    (now) => now.state.state !== "in transition" && now.state.by !== null,
    `${node.id} goes offline`,
    context,
  );
  const rest =
    state.kind === "host" && state.role === null ? "; it does not answer, and will not take part when it does" : "";
  return { ...decided, state: state.state, text: `${node.id} is offline${rest}` };
}
