/**
 * Whether the proxies agree that the owner of a fence is to be deposed. Pure.
 *
 * Needed is a majority of the *configured* proxies. For those that are silent a standby may vote, once this proxy is for
 * it itself: one standby that says *down* fills every silent seat, since it has looked at the vault, which no proxy can;
 * one that says *alive* fills them against, whatever others say. So a proxy that is cut off cannot depose a primary that
 * goes on writing, and the last one of many can depose one that is dead. Votes are for one fence, and count while their
 * voter lives. None of this carries safety: it prevents needless failovers.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { PoolSighting, VoteMessage } from "../../shared/wire/messages.ts";
import type { StandbyVote } from "./pool-view.ts";

/** One proxy's seat. `sighting: null`: it has said nothing of the pool. */
export interface Seat {
  readonly proxy: NodeId;
  readonly isSilent: boolean;
  readonly isQuarantined: boolean;
  readonly sighting: Pick<PoolSighting, "fence" | "opinion" | "cause" | "seenAtMs"> | null;
}

export interface BallotBox {
  readonly self: NodeId;
  /** All configured proxies, this one included, in the order of their ids. */
  readonly seats: readonly Seat[];
  /** Of standbys, still fresh, on the same fence. */
  readonly standbyVotes: readonly StandbyVote[];
  /** The id of the fence in question; `null` where there is none yet. */
  readonly fence: string | null;
}

export interface Ballot {
  readonly agreed: boolean;
  /** This proxy would need standbys' votes: it is for it, and the silent ones could make up what is missing. */
  readonly needsStandbys: boolean;
  /** How many others that agree come before this one in sending the order. */
  readonly rank: number;
  /** The own one first, then others for it, then what others said that live. Bounded. */
  readonly votes: readonly VoteMessage[];
  /** Proxies that are for it, and how many would have to be. */
  readonly inFavour: number;
  readonly needed: number;
}

/** An order carries so many votes, each so long: a message and a fence have their bounds. */
const MAX_VOTES = 64;
const MAX_VERDICT = 200;

export function countVotes({ self, seats, standbyVotes, fence }: BallotBox): Ballot {
  const inFavour = seats.filter((seat) => !seat.isSilent && isFor(seat, fence));
  const against = seats.filter((seat) => !seat.isSilent && !isFor(seat, fence));
  const silent = seats.filter(({ isSilent }) => isSilent);
  const needed = Math.floor(seats.length / 2) + 1;
  const missing = needed - inFavour.length;
  const own = inFavour.some(({ proxy }) => proxy === self);
  const needsStandbys = own && missing > 0 && missing <= silent.length;
  const down = standbyVotes.filter(({ verdict }) => verdict === "down");
  const refuted = standbyVotes.some(({ verdict }) => verdict === "alive");
  const agreed = own && (missing <= 0 || (needsStandbys && down.length > 0 && !refuted));
  return {
    agreed,
    needsStandbys,
    inFavour: inFavour.length,
    needed,
    rank: [...inFavour].sort(byTrust).findIndex(({ proxy }) => proxy === self),
    votes: bounded([
      ...inFavour.toSorted((a, b) => Number(b.proxy === self) - Number(a.proxy === self)).map(voteOf),
      ...(needsStandbys ? standIns(silent, down, missing) : []),
      ...against.map(({ proxy, sighting }) => ({ by: proxy, verdict: `against: ${sighting?.opinion ?? "not heard"}` })),
    ]),
  };
}

const isFor = ({ sighting }: Seat, fence: string | null): boolean =>
  sighting !== null &&
  (sighting.fence?.id ?? null) === fence &&
  (sighting.opinion === "lost" || sighting.opinion === "sick");

const bounded = (votes: readonly VoteMessage[]): readonly VoteMessage[] =>
  votes.slice(0, MAX_VOTES).map((vote) => ({ ...vote, verdict: vote.verdict.slice(0, MAX_VERDICT) }));

/** A proxy that distrusts its own clock lets others go first. */
const byTrust = (a: Seat, b: Seat): number =>
  Number(a.isQuarantined) - Number(b.isQuarantined) || (a.proxy < b.proxy ? -1 : 1);

function voteOf({ proxy, sighting }: Seat): VoteMessage {
  const vote: VoteMessage = { by: proxy, verdict: `${sighting?.opinion}: ${sighting?.cause ?? "no reason given"}` };
  const seenAtMs = sighting?.seenAtMs ?? null;
  return seenAtMs === null ? vote : { ...vote, seenAtMs };
}

/** The standbys in turn, one for each silent proxy that is needed. */
function standIns(silent: readonly Seat[], down: readonly StandbyVote[], missing: number): VoteMessage[] {
  return silent.slice(0, missing).flatMap(({ proxy }, index) => {
    const standby = down[index % Math.max(1, down.length)];
    return standby === undefined
      ? []
      : [{ by: standby.host, verdict: `down: ${standby.reason}`, standsFor: proxy, seenAtMs: standby.seenAtMs }];
  });
}
