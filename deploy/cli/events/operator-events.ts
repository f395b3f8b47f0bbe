/** What operators decided, from the revisions that a host reads in the vault. */
import { reasonOf, unreachable } from "../../../shared/errors.ts";
import type { Change } from "../../../shared/revisions/decisions.ts";
import type { Revision } from "../../../shared/revisions/revision.ts";
import type { ClusterLink } from "../cluster-link.ts";
import { wallText } from "../wall-text.ts";
import type { ClusterEvent, Told } from "./cluster-event.ts";

const PAGE = 64;
const TIMEOUT_MS = 5000;

/** The newest `limit` ones at most, from revision `from` on. What nobody can tell is part of the result. */
export async function operatorEvents(
  link: ClusterLink,
  { limit, from = 1 }: { readonly limit: number; readonly from?: number },
): Promise<Told> {
  const { hosts, decisions } = await link.ask();
  const first = Math.max(from, decisions.revision - limit + 1);
  const reasons = hosts.flatMap(({ host, reason }) => (reason === null ? [] : [`${host.id}: ${reason}`]));
  for (const { host } of hosts.filter(({ report }) => report !== null)) {
    try {
      const revisions = await pages(link, { id: host.id, address: host.control }, first, decisions.revision);
      return { events: revisions.map(eventOf), silent: [] };
    } catch (error) {
      reasons.push(`${host.id}: ${reasonOf(error)}`);
    }
  }
  return { events: [], silent: [{ source: "operators", what: "revisions", reason: reasons.join("; ") }] };
}

async function pages(
  link: ClusterLink,
  node: Parameters<ClusterLink["send"]>[1],
  first: number,
  last: number,
): Promise<readonly Revision[]> {
  const found: Revision[] = [];
  for (let from = first; from <= last; from = (found.at(-1)?.decisions.revision ?? last) + 1) {
    const { revisions } = await link.send("revisions", node, { from, limit: PAGE }, TIMEOUT_MS);
    if (revisions.length === 0) break;
    found.push(...revisions);
  }
  return found;
}

function eventOf({ by, atMs, reason, change, writtenBy, decisions: { revision } }: Revision): ClusterEvent {
  const why = reason === "" ? "" : `: ${reason}`;
  return {
    atMs,
    source: "operators",
    by,
    type: change.type,
    text: `${changeText(change)}${why} (revision ${revision})`,
    trouble: false,
    details: { revision, change, reason, writtenBy },
  };
}

function changeText(change: Change): string {
  switch (change.type) {
    case "offline":
      return `takes ${change.node} offline${change.last ? ", even if nobody could serve then" : ""}`;
    case "online":
      return `brings ${change.node} back`;
    case "remove":
      return `removes ${change.node} from the cluster`;
    case "add":
      return `adds ${change.node.id}`;
    case "maintenance-on":
      return `begins maintenance${change.untilMs === null ? "" : ` until ${wallText(change.untilMs)}`}`;
    case "maintenance-off":
      return "ends maintenance";
    default:
      return unreachable(change);
  }
}
