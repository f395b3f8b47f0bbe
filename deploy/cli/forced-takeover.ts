/**
 * A takeover that people force: whom to order, what to tell them before, and the order itself. Nothing that was
 * acknowledged is at stake: the host that is ordered takes over from the journal as after any other loss.
 */
import type { Config } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { FenceMessage, HostReport } from "../../shared/wire/reports.ts";
import type { Candidate } from "../../host/succession.ts";
import { type ClusterLink, findServing, newestFence, nobodyAnswers, type ClusterWord } from "./cluster-link.ts";
import { rankHosts } from "./rank-hosts.ts";

export interface ForcedTakeover {
  readonly pool: PoolId;
  readonly target: NodeId;
  readonly report: HostReport;
  /** Who serves now, as far as anybody says; it is deposed. */
  readonly serving: NodeId | null;
  /** The fence to depose; `null`: nobody has begun yet. */
  readonly fence: FenceMessage | null;
  readonly ranked: readonly Candidate[];
}

/** Longer than a host takes to say that it is under way. */
const ORDER_MS = 5000;

/**
 * The named host, or the best one that does not serve.
 * @throws {HotspareError} HS_UNREACHABLE if no host answers, HS_PROMOTE_REFUSED with the reasons if none is fit.
 */
export function planTakeover(config: Config, pool: PoolId, to: NodeId | null, word: ClusterWord): ForcedTakeover {
  if (word.hosts.every(({ report }) => report === null)) throw nobodyAnswers(word.hosts);
  const serving = findServing(word, pool)?.host.id ?? null;
  // Whoever forces it would rather wait for the journal to be replayed than for nothing.
  const ranked = rankHosts(config, pool, { word, except: serving, warmMs: Number.POSITIVE_INFINITY });
  if (to !== null && to === serving) throw refused(`${to} serves pool ${pool} already`);
  const chosen = to === null ? ranked[0] : ranked.find(({ host }) => host === to);
  if (chosen?.unfit === null && chosen.report !== null)
    return { pool, target: chosen.host, report: chosen.report, serving, fence: newestFence(word, pool), ranked };
  const judged = to === null ? ranked : ranked.filter(({ host }) => host === to);
  const reasons = judged.map(({ host, unfit }) => `${host}: ${unfit}`).join("; ");
  throw refused(reasons || `there is no other host than ${serving}`);
}

/** What becomes of what, for whoever has to decide. */
export function consequences({ pool, target, serving, fence }: ForcedTakeover): readonly string[] {
  const from =
    serving === null
      ? `Nobody serves pool ${pool}; ${target} would take it over.`
      : `${serving} serves pool ${pool} in epoch ${fence?.epoch} and answers. It would be deposed in favour of ${target}; if it is well, \`hotspare switchover\` moves the pool without forcing anything.`;
  return [
    from,
    "No acknowledged write is lost: the journal has it, and the new primary reads it before it serves.",
    "Requests on their way are sent again by the proxies; one that cannot be sent again is answered that its outcome is unknown. Clients that bypass the proxies find out by asking again under the same key.",
  ];
}

/**
 * Orders it, again and again while it is under way.
 * @throws {HotspareError} HS_PROMOTE_REFUSED, HS_UNREACHABLE.
 */
export async function force(
  link: ClusterLink,
  { pool, target, report, fence }: ForcedTakeover,
  { cause, untilMs, nowMs }: { readonly cause: string; readonly untilMs: number; readonly nowMs: () => number },
): Promise<FenceMessage> {
  const address = link.config.hosts.find(({ id }) => id === target)?.control;
  if (address === undefined) throw refused(`${target} is not configured any more`);
  const body = { pool, bootId: report.bootId, fence: fence?.id ?? null, cause, votes: [], planned: true };
  for (;;) {
    const { outcome, fence: newest, reason } = await link.send("promote", { id: target, address }, body, ORDER_MS);
    // Also where the answer to the first order was lost: then it is told that its fence is not the newest any more.
    const isServed = newest !== null && newest.owner === target && newest.epoch > (fence?.epoch ?? 0);
    if (newest !== null && isServed && outcome !== "accepted") return newest;
    if (outcome !== "accepted")
      throw refused(`${target}: ${reason}${newest === null ? "" : ` (${newestText(newest)})`}`);
    if (nowMs() >= untilMs) throw refused(`${target} has begun, and does not serve yet; look at hotspare status`);
  }
}

const newestText = ({ owner, epoch }: FenceMessage): string => `the newest fence is that of ${owner}, epoch ${epoch}`;

const refused = (reason: string): HotspareError => new HotspareError("HS_PROMOTE_REFUSED", { reason });
