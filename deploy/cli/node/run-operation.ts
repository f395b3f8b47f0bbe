/** What the operations on one node have in common: the link, the node, the words at the end. */
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { Change } from "../../../shared/revisions/decisions.ts";
import { ClusterLink } from "../cluster-link.ts";
import type { CommandContext, ConfigOption, JsonOption } from "../command.ts";
import { OperatedNode, type Look } from "./operated-node.ts";

export interface OperationOptions extends ConfigOption, JsonOption {
  readonly reason: string;
}

export interface Operation {
  readonly link: ClusterLink;
  readonly node: OperatedNode;
  /** Before anything was decided. */
  readonly look: Look;
  readonly context: CommandContext;
}

/** What became of it: for programs, and the line for people. */
export interface Outcome {
  readonly changed: boolean;
  readonly revision: number;
  readonly state: string;
  readonly text: string;
}

export async function runOperation(
  name: string,
  options: OperationOptions,
  context: CommandContext,
  operate: (operation: Operation) => Promise<Outcome | null>,
): Promise<void> {
  const link = await ClusterLink.open(loadConfig(options.config, context.env), context);
  try {
    const node = new OperatedNode(link, name);
    const outcome = await operate({ link, node, look: await node.look(), context });
    if (outcome === null) return context.warn("Nothing was changed.");
    const { text, ...told } = outcome;
    context.print(options.json ? JSON.stringify({ node: name, ...told }) : text);
  } finally {
    link.close();
  }
}

/** @throws {HotspareError} HS_DECISION_REFUSED, HS_DECISION_CONFLICT, HS_UNREACHABLE. */
export async function decide(
  { link, look }: Operation,
  change: Change,
  { reason }: OperationOptions,
): Promise<Pick<Outcome, "changed" | "revision">> {
  const { changed, decisions } = await link.decide(change, reason, look.word);
  return { changed, revision: decisions.revision };
}
