/**
 * `hotspare status`: pools, hosts and proxies, as the nodes tell it. Needs no vault, but certificates where there is TLS; and
 * the secret only where no proxy answers, to know of maintenance and of who is offline.
 */
import type { Command } from "commander";
import { sleep } from "../../../shared/clock.ts";
import { formatAddress, type Config } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError, isHotspareError } from "../../../shared/errors.ts";
import { exclusionOf, maintenanceAt } from "../../../shared/revisions/decisions.ts";
import { ClusterLink } from "../cluster-link.ts";
import { clusterStatus, isServed, type ClusterStatus } from "../cluster-status.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { ownNodes, thisMachine } from "../own-nodes.ts";
import { statusText } from "../status-text.ts";

interface StatusOptions extends ConfigOption, JsonOption {
  readonly watch?: true;
}

const WATCH_MS = 1000;
const CLEAR = "\u001B[H\u001B[2J";

export function statusCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("status")
    .summary("show pools, hosts and proxies")
    .description("Shows pools, hosts and proxies. Exit code 0 if every pool is served, else 69.")
    .option("--watch", "show it anew every second, until Ctrl-C");
  withExample(withJson(withConfig(command, context)), "hotspare status --watch --config hotspare.yaml").action(
    async (options: StatusOptions) => run(options, context),
  );
}

async function run({ config: file, watch, json }: StatusOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(file, context.env);
  const { sockets } = await openCommandNetworks(config, ["admin", "control"], context);
  const own = await ownNodes(config, thisMachine(context.clock));
  for (;;) {
    const status = await withDecisions(config, await clusterStatus(config, { sockets, clock: context.clock }), context);
    const clear = watch && !json && context.screen !== null && context.colours ? CLEAR : "";
    const text = (): string => `${clear}${statusText(status, { ...context, own: toldApart(config, own) })}`;
    context.print(json ? JSON.stringify(marked(status, own)) : text());
    if (!watch) return refuse(config, status);
    await sleep(context.clock, WATCH_MS);
  }
}

/** Without a signature hosts say nothing of what operators decided; without the secret nobody does. */
async function withDecisions(config: Config, status: ClusterStatus, context: CommandContext): Promise<ClusterStatus> {
  if (status.source !== "hosts") return status;
  try {
    const link = await ClusterLink.open(config, context);
    const { decisions } = await link.ask().finally(() => link.close());
    const told = <Node extends { readonly id: string }>(node: Node) => ({
      ...node,
      offline: exclusionOf(decisions, node.id),
    });
    const maintenance = maintenanceAt(decisions, context.clock.wallMs());
    return { ...status, hosts: status.hosts.map(told), proxies: status.proxies.map(told), maintenance };
  } catch (error) {
    if (!isHotspareError(error)) throw error;
    return status;
  }
}

/** `own`: it runs on this machine. */
function marked(status: ClusterStatus, own: ReadonlySet<string>) {
  const mark = <Node extends { readonly id: string }>(node: Node) => ({ ...node, own: own.has(node.id) });
  return { ...status, hosts: status.hosts.map(mark), proxies: status.proxies.map(mark) };
}

/** Where all nodes are here there is nothing to mark. */
const toldApart = ({ hosts, proxies }: Config, own: ReadonlySet<string>): ReadonlySet<string> =>
  own.size === hosts.length + proxies.length ? new Set() : own;

/** @throws {HotspareError} HS_UNREACHABLE, HS_POOL_UNSERVED: for the exit code. */
function refuse({ proxies, hosts }: Config, { pools, source }: ClusterStatus): void {
  if (source === "nobody") {
    const addresses = [...proxies.map(({ admin }) => admin), ...hosts.map(({ control }) => control)];
    const address = addresses.map(formatAddress).join(", ");
    throw new HotspareError("HS_UNREACHABLE", { what: "any node", address, reason: "none of them answers" });
  }
  const unserved = pools.find((pool) => !isServed(pool));
  if (unserved) throw new HotspareError("HS_POOL_UNSERVED", { pool: unserved.id, reason: `it is ${unserved.state}` });
}
