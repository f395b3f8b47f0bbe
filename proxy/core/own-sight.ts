/** What this proxy tells the others of what it sees. Pure. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Decisions } from "../../shared/revisions/decisions.ts";
import type { HostSighting, PoolSighting } from "../../shared/wire/messages.ts";
import type { HostHealth } from "./host-health.ts";
import type { Content } from "./observation.ts";
import type { PoolView } from "./pool-view.ts";

/** What the shell knows of this proxy itself. */
export interface OwnState {
  /** Wall clock minus monotonic clock. */
  readonly wallAheadMs: number;
  readonly clocks: Content["clocks"];
  /** Why this proxy distrusts its own clock; `null` if it does not. */
  readonly quarantined: string | null;
  readonly program: string;
  readonly configHash: string;
  /** Why this proxy's file cannot be used, and what of it waits for a restart. */
  readonly configProblem: string | null;
  readonly pendingRestart: string[];
  readonly keys: Content["keys"];
}

export function contentOf(
  own: OwnState,
  hosts: ReadonlyMap<NodeId, HostHealth>,
  pools: ReadonlyMap<PoolId, PoolView>,
  decisions: Decisions,
): Content {
  const { clocks, quarantined, program, configHash, configProblem, pendingRestart, keys } = own;
  return {
    hosts: [...hosts.values()].map(hostSighting),
    pools: [...pools.values()].map(poolSighting),
    clocks,
    quarantined,
    program,
    configHash,
    configProblem,
    pendingRestart,
    keys,
    decisions,
  };
}

function hostSighting({ host, verdict }: HostHealth): HostSighting {
  return { host, verdict: verdict.type, reason: "reason" in verdict ? verdict.reason : null };
}

function poolSighting({ pool, fence, epoch, claim, opinion, incident, order }: PoolView): PoolSighting {
  return {
    pool,
    fence,
    epoch,
    primary: claim?.host ?? null,
    opinion,
    cause: incident?.cause ?? null,
    seenAtMs: incident?.seenAtMs ?? null,
    ordered: order !== null && order.fence === (fence?.id ?? null) ? order.host : null,
  };
}
