/** `hotspare node online`: brings a node back that was taken out, and waits until a host is warm. */
import type { Command } from "commander";
import { withConfig, withExample, withJson, withReason, type CommandContext } from "../command.ts";
import { warmthOf } from "../node/warmth.ts";
import { decide, runOperation, type Operation, type OperationOptions, type Outcome } from "../node/run-operation.ts";

interface OnlineOptions extends OperationOptions {
  readonly wait: boolean;
}

export function registerNodeOnline(group: Command, context: CommandContext): void {
  const command = group
    .command("online <node>")
    .description("Brings a node back that was taken out, and waits until a host is a standby at the head of each pool.")
    .option("--no-wait", "do not wait until it is warm");
  withExample(withJson(withReason(withConfig(command, context))), "hotspare node online host-b").action(
    async (node: string, options: OnlineOptions) =>
      runOperation(node, options, context, (operation) => bringBack(operation, options)),
  );
}

async function bringBack(operation: Operation, options: OnlineOptions): Promise<Outcome> {
  const { link, node, look, context } = operation;
  const { id } = node;
  if (look.state.by !== null && look.state.state === "in transition") return await node.refuseBusy(look);
  const decided = await decide(operation, { type: "online", node: id }, options);
  const isHost = look.state.kind === "host";
  const isSilent = look.word.hosts.some(({ host, report }) => host.id === id && report === null);
  if (isSilent) return { ...decided, state: "down", text: `${id} may come back; it does not answer: start it` };
  if (!options.wait || !isHost) return { ...decided, state: "in transition", text: `${id} comes back` };
  const { state } = await node.until(
    ({ word }) => warmthOf(link.config, id, word) === null,
    `${id} comes back`,
    context,
  );
  return { ...decided, state: state.state, text: `${id} is back, as ${state.role}, and warm` };
}
