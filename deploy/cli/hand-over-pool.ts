/** Asks the primary of a pool to hand it over, and waits for as long as that may take. */
import { HOOKS_MS } from "../../host/handover.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Answer } from "../../shared/wire/messages.ts";
import { servingHost, type ClusterLink, type ClusterWord } from "./cluster-link.ts";

export interface PoolHandover {
  readonly pool: PoolId;
  /** `null`: to whoever is fittest. */
  readonly to: NodeId | null;
  /** As the fence keeps it. */
  readonly cause: string;
  readonly dryRun: boolean;
}

/** Beyond the hooks and the takeover: to ask the hosts, and to publish. */
const REST_MS = 30_000;

/** @throws {HotspareError} HS_POOL_UNSERVED, HS_HANDOVER_REFUSED, HS_OPERATION_BUSY, HS_UNREACHABLE. */
export async function handOverPool(
  link: ClusterLink,
  word: ClusterWord,
  { pool, to, cause, dryRun }: PoolHandover,
): Promise<{ readonly from: NodeId; readonly answer: Answer<"handover"> }> {
  const { host, report } = servingHost(word, pool);
  const body = { pool, bootId: report.bootId, to, by: link.by, cause, dryRun };
  const node = { id: host.id, address: host.control };
  // A little longer than a host takes at most.
  const timeoutMs = HOOKS_MS + link.config.takeover.timeoutMs + REST_MS;
  return { from: host.id, answer: await link.send("handover", node, body, timeoutMs) };
}
