/** What each node is for the cluster now: in, out, or between, and who decided so. Pure. */
import type { Config } from "../../../shared/config/config.ts";
import { offlineOf, type Decisions } from "../../../shared/revisions/decisions.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";
import type { ClusterWord } from "../cluster-link.ts";

export type State = "up" | "down" | "offline" | "in transition" | "removed";

export interface NodeState {
  readonly node: string;
  readonly kind: "host" | "proxy";
  readonly state: State;
  /** Of a host, its roles in its pools. */
  readonly role: string | null;
  /** Who took it out, when by its wall clock, and why. */
  readonly by: string | null;
  readonly sinceMs: number | null;
  /** Of that, or why it does not answer. */
  readonly reason: string | null;
}

/** @param reached of each proxy: `null` if it answers, else why not. */
export function nodeStates(
  { hosts, proxies }: Pick<Config, "hosts" | "proxies">,
  word: ClusterWord,
  reached: ReadonlyMap<string, string | null>,
): readonly NodeState[] {
  const { decisions } = word;
  return [
    ...hosts.map(({ id }) => {
      const said = word.hosts.find(({ host }) => host.id === id);
      return stateOf(
        { node: id, kind: "host", report: said?.report ?? null, trouble: said?.reason ?? null },
        decisions,
      );
    }),
    ...proxies.map(({ id }) =>
      stateOf({ node: id, kind: "proxy", report: null, trouble: reached.get(id) ?? null }, decisions),
    ),
  ];
}

interface Seen {
  readonly node: string;
  readonly kind: NodeState["kind"];
  readonly report: HostReport | null;
  /** Why it does not answer; `null`: it does. */
  readonly trouble: string | null;
}

function stateOf(seen: Seen, decisions: Decisions): NodeState {
  const { node, kind, report, trouble } = seen;
  const out = offlineOf(decisions, node);
  const isRemoved = decisions.removed.includes(node);
  const roles = [...new Set(report?.pools.map(({ role }) => role))];
  const state = isRemoved ? "removed" : trouble !== null ? (out ? "offline" : "down") : livingState(seen, out !== null);
  return {
    node,
    kind,
    state,
    role: roles.length > 0 ? roles.join(", ") : null,
    by: out?.by ?? null,
    sinceMs: out?.atMs ?? null,
    reason: out?.reason ?? trouble,
  };
}

/** A host is out once all its pools are: until then it hands over. Back is whoever is not out in any. */
function livingState({ kind, report }: Seen, isOut: boolean): State {
  if (kind === "proxy") return isOut ? "offline" : "up";
  const pools = report?.pools ?? [];
  const resting = pools.filter(({ role }) => role === "offline");
  if (isOut) return resting.length === pools.length ? "offline" : "in transition";
  return resting.length === 0 && pools.length > 0 ? "up" : "in transition";
}
