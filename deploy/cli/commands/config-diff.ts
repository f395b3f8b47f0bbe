/** `hotspare config diff`: asks every node what it runs with, and shows what differs from the file here. */
import type { Command } from "commander";
import { formatAddress, type Address, type Config } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { readSecret } from "../../../shared/config/read-secret.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, type NodeId } from "../../../shared/ids.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { MessageClient, type SendFailure } from "../../../shared/wire/message-client.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { configDifferences, type Difference } from "../config-differences.ts";
import { printable } from "../printable.ts";

const TIMEOUT_MS = 3000;
/** The sender that nodes see. No node: nobody answers to this name. */
const SELF = parseNodeId("cli");

interface Node {
  readonly id: NodeId;
  readonly address: Address;
}

interface NodeState {
  readonly node: NodeId;
  readonly reached: boolean;
  /** Why it cannot be asked. */
  readonly reason: string | null;
  readonly hash: string | null;
  readonly differences: readonly Difference[];
  readonly pendingRestart: readonly string[];
  readonly problem: string | null;
}

export function registerConfigDiff(group: Command, context: CommandContext): void {
  const command = group
    .command("diff")
    .description("Shows what each node runs with against the file here. Exit code 65 if something differs.");
  withExample(withJson(withConfig(command, context)), "hotspare config diff --config hotspare.yaml").action(
    async (options: ConfigOption & JsonOption) => run(options, context),
  );
}

async function run({ config: file, json }: ConfigOption & JsonOption, context: CommandContext): Promise<void> {
  const config = loadConfig(file, context.env);
  const nodes = await askAll(config, context);
  context.print(json ? JSON.stringify({ file: config.file, hash: config.hash, nodes }) : nodes.map(textOf).join("\n"));
  const differing = nodes.filter((node) => !isAlike(node)).map(({ node }) => node);
  if (differing.length > 0) throw new HotspareError("HS_CONFIG_DIFFERS", { nodes: differing.join(", "), file });
  const silent = nodes.find(({ reached }) => !reached);
  if (silent === undefined) return;
  const address = nodesOf(config).find(({ id }) => id === silent.node)?.address;
  throw new HotspareError("HS_UNREACHABLE", {
    what: silent.node,
    address: address === undefined ? "" : formatAddress(address),
    reason: silent.reason ?? "",
  });
}

const nodesOf = ({ hosts, proxies }: Config): readonly Node[] => [
  ...hosts.map(({ id, control: address }) => ({ id, address })),
  ...proxies.map(({ id, gossip: address }) => ({ id, address })),
];

async function askAll(config: Config, context: CommandContext): Promise<readonly NodeState[]> {
  const { sockets } = await openCommandNetworks(config, ["control"], context);
  const { clock, random, env } = context;
  const secret = new KeyRing(readSecret(config.secret, env), clock);
  const { cluster } = config;
  const client = new MessageClient({ self: SELF, cluster, secret, clock, random, sockets: sockets.control });
  try {
    return await Promise.all(nodesOf(config).map((node) => ask(node, config, client)));
  } finally {
    client.close();
  }
}

async function ask({ id: node, address }: Node, config: Config, client: MessageClient): Promise<NodeState> {
  const result = await client.send("configuration", { to: node, address, body: {}, timeoutMs: TIMEOUT_MS });
  if (result.type !== "answer") {
    const reason = `${formatAddress(address)}: ${whyNot(result)}`;
    return { node, reached: false, reason, hash: null, differences: [], pendingRestart: [], problem: null };
  }
  const { hash, values, pendingRestart, problem } = result.answer;
  return {
    node,
    reached: true,
    reason: null,
    hash,
    differences: configDifferences(config, values),
    pendingRestart,
    problem,
  };
}

function whyNot(failure: SendFailure): string {
  const isOlder =
    failure.kind === "rejected" && failure.code === "HS_MESSAGE_INVALID" && failure.details?.["field"] === "message";
  return isOlder ? "its version does not say what it runs with" : `${failure.kind}: ${failure.reason}`;
}

const isAlike = ({ differences, pendingRestart, problem }: NodeState): boolean =>
  differences.length === 0 && pendingRestart.length === 0 && problem === null;

function textOf(state: NodeState): string {
  const { node, reached, reason, differences, pendingRestart, problem } = state;
  if (!reached) return `${node}: cannot be asked: ${printable(reason ?? "")}`;
  if (isAlike(state)) return `${node}: as the file`;
  const width = Math.max(...differences.map(({ key }) => key.length));
  return [
    differences.length === 0 ? `${node}: runs as the file` : `${node}: runs with another configuration`,
    ...differences.map(({ key, runs, file }) => `  ${key.padEnd(width)}  runs with ${runs}, the file says ${file}`),
    ...(pendingRestart.length === 0 ? [] : [`  waits for a restart: ${pendingRestart.join(", ")}`]),
    ...(problem === null ? [] : [`  its file is not right: ${problem}`]),
  ]
    .map(printable)
    .join("\n");
}
