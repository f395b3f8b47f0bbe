/**
 * `hotspare secret rotate`: brings the cluster from its key to a new one while it runs. Changes this machine's file only, one
 * step after the other, each when all nodes are ready for it; waits for the others and says for whom. Where it is
 * interrupted the next one goes on.
 */
import { InvalidArgumentError, type Command } from "commander";
import type { Config } from "../../../shared/config/config.ts";
import { parseDuration } from "../../../shared/config/duration.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { Rotation } from "../secret/rotation.ts";

interface RotateOptions extends ConfigOption, JsonOption {
  /** Milliseconds. */
  readonly wait?: number;
  readonly without: readonly string[];
  readonly dryRun?: true;
}

const WAIT_MS = 60_000;

export function registerSecretRotate(group: Command, context: CommandContext): void {
  const command = group
    .command("rotate")
    .description(
      "Replaces the key of the cluster's secret by a new one while all nodes run: appended, signing, alone. Where machines have copies of the file it says which of them need the new one.",
    )
    .option("--wait <time>", "how long to wait for nodes that are not ready; default: 60s", readWait)
    .option("--without <node>", "do not wait for this node; may be given several times", collect, [])
    .option("--dry-run", "say what would be done next, and change nothing");
  withExample(withJson(withConfig(command, context)), "hotspare secret rotate --config hotspare.yaml").action(
    async (options: RotateOptions) => run(options, context),
  );
}

async function run(options: RotateOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  refuseStrangers(config, options.without);
  const file = fileOf(config);
  const { sockets } = await openCommandNetworks(config, ["admin", "control"], context);
  const asking = { sockets, clock: context.clock };
  const rotation = new Rotation(config, { wait: WAIT_MS, ...options, file, asking }, context);
  if (options.dryRun) {
    const next = await rotation.next();
    return context.print(options.json ? JSON.stringify({ file: rotation.file, next }) : rotation.describe(next));
  }
  const done = await rotation.run();
  context.print(
    options.json
      ? JSON.stringify(done)
      : `Done: ${done.keys.join(", ")} is the key of all nodes. Keep no copy of older files.`,
  );
}

/** A variable belongs to whatever started the node, and does not change while it runs. */
function fileOf({ secret }: Config): string {
  if ("file" in secret) return secret.file;
  const reason =
    `the secret is in the environment variable ${secret.env}, which only a restart changes. By hand, in three rounds over all ` +
    "nodes, restarting each with the new value: append a new key to the old one, with a blank between them; then put it first; " +
    "then remove the old one";
  throw new HotspareError("HS_USAGE", { reason });
}

function refuseStrangers({ hosts, proxies, file }: Config, without: readonly string[]): void {
  const known = [...hosts, ...proxies].map(({ id }): string => id);
  const stranger = without.find((node) => !known.includes(node));
  if (stranger === undefined) return;
  throw new HotspareError("HS_USAGE", { reason: `${file} has no node ${stranger}; it has ${known.join(", ")}` });
}

const collect = (node: string, before: readonly string[]): readonly string[] => [...before, node];

function readWait(text: string): number {
  const waitMs = parseDuration(text);
  if (waitMs !== null) return waitMs;
  throw new InvalidArgumentError("accepted is a time such as 30s or 10m");
}
