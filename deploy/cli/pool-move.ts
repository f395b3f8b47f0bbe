/** What moving a pool on purpose begins with, in peace or by force: which pool, to whom, how all hosts are, and why. */
import { loadConfig } from "../../shared/config/load-config.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import { choosePool } from "./choose-pool.ts";
import { ClusterLink, type ClusterWord } from "./cluster-link.ts";
import type { CommandContext, ConfigOption, JsonOption, PoolOption } from "./command.ts";
import { hostNamed } from "./host-named.ts";

export interface MoveOptions extends ConfigOption, JsonOption, PoolOption {
  readonly to?: string;
  readonly reason: string;
  readonly dryRun?: true;
}

export interface PoolMove {
  readonly link: ClusterLink;
  readonly word: ClusterWord;
  readonly pool: PoolId;
  /** `null`: whoever is fittest. */
  readonly to: NodeId | null;
  /** As the fence keeps it. */
  readonly cause: string;
}

export async function movePool(
  command: "switchover" | "failover",
  options: MoveOptions,
  context: CommandContext,
  move: (move: PoolMove) => Promise<void>,
): Promise<void> {
  const { to: named, reason } = options;
  const file = loadConfig(options.config, context.env);
  const pool = choosePool(file, options.pool);
  const link = await ClusterLink.open(file, context);
  try {
    const word = await link.ask();
    const to = named === undefined ? null : hostNamed(link.config, named).id;
    const cause = `${command} by ${link.by}${reason === "" ? "" : `: ${reason}`}`;
    await move({ link, word, pool, to, cause });
  } finally {
    link.close();
  }
}
