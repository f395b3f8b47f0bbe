/** `hotspare secret show`: the ids of the keys of the secret, and which nodes accept each. Never a key itself. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { readSecretEntries } from "../../../shared/config/read-secret.ts";
import type { SecretEntry } from "../../../shared/config/secret-text.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { plainTable } from "../plain-table.ts";
import { printable } from "../printable.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { nodeKeys } from "../secret/node-keys.ts";
import type { NodeKeys } from "../secret/rotation-step.ts";

interface ShownKey {
  readonly id: string;
  readonly use: "signs" | "accepted" | "new" | "old";
  /** Those that accept it. */
  readonly nodes: readonly string[];
}

export function registerSecretShow(group: Command, context: CommandContext): void {
  const command = group
    .command("show")
    .description("Shows the ids of the secret's keys, in the order of the file, and which nodes accept each.");
  withExample(withJson(withConfig(command, context)), "hotspare secret show --config hotspare.yaml").action(
    async (options: ConfigOption & JsonOption) => run(options, context),
  );
}

async function run({ config: file, json }: ConfigOption & JsonOption, context: CommandContext): Promise<void> {
  const config = loadConfig(file, context.env);
  const entries = readSecretEntries(config.secret, context.env);
  const { sockets } = await openCommandNetworks(config, ["admin", "control"], context);
  const nodes = await nodeKeys(config, [], { sockets, clock: context.clock });
  const keys = entries.map((entry, at) => shownKey(entry, at, nodes));
  const unknown = nodes.flatMap((node) => (node.keys === null ? [`${node.node} ${node.reason}`] : []));
  context.print(json ? JSON.stringify({ keys, unknown }) : textOf(keys, unknown));
}

function shownKey({ bytes, mark }: SecretEntry, at: number, nodes: readonly NodeKeys[]): ShownKey {
  const { id } = messageKey(bytes);
  const use = at === 0 ? "signs" : (mark ?? "accepted");
  return { id, use, nodes: nodes.filter(({ keys }) => keys?.includes(id)).map(({ node }) => node) };
}

function textOf(keys: readonly ShownKey[], unknown: readonly string[]): string {
  const rows = keys.map(({ id, use, nodes }) => [id, use, nodes.join(", ")]);
  return [plainTable(["key", "use", "accepted by"], rows), ...unknown.map(printable)].join("\n");
}
