/**
 * What would happen if these nodes died now, by the very rules with which proxies decide: who could take each pool over, and
 * whether enough of them would be left to agree. Pure; nothing is changed by asking.
 */
import type { Config } from "../../../shared/config/config.ts";
import { isQuarantined, unfitnessOf, vaultTroubleOf } from "../../../shared/fitness.ts";
import type { NodeId, PoolId } from "../../../shared/ids.ts";
import { excludedNodes, exclusionOf, maintenanceAt } from "../../../shared/revisions/decisions.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";
import { countVotes, type Seat } from "../../../proxy/core/ballot.ts";
import { candidates } from "../../../proxy/core/candidates.ts";
import { newHostHealth, type HostHealth } from "../../../proxy/core/host-health.ts";
import type { StandbyVote } from "../../../proxy/core/pool-view.ts";
import { settings } from "../../../proxy/core/settings.ts";
import { poolIn, findServing, type ClusterWord, type HostWord } from "../cluster-link.ts";
import { forecastPauses, type Pause, type TakeoverTime } from "./pause.ts";

export interface Situation {
  readonly config: Config;
  readonly word: ClusterWord;
  /** Ids of the proxies that live now. */
  readonly livingProxies: ReadonlySet<string>;
  readonly killed: ReadonlySet<string>;
  readonly wallMs: number;
  /** How long takeovers take, by pool. */
  readonly takeover: (pool: PoolId, successor: NodeId) => TakeoverTime;
}

export interface Heir {
  readonly host: NodeId;
  readonly fit: boolean;
  /** Why it comes where it does, or why it cannot. */
  readonly because: string;
}

export interface Agreement {
  readonly reached: boolean;
  /** Proxies that would be left, and how many would have to say so. */
  readonly living: number;
  readonly needed: number;
  /** A standby votes in the place of those that are silent. */
  readonly byStandby: boolean;
  readonly text: string;
}

export interface PoolForecast {
  readonly pool: PoolId;
  readonly primary: NodeId | null;
  /** Whether its primary is among the dead; if not, nobody takes over. */
  readonly failsOver: boolean;
  readonly successor: NodeId | null;
  readonly heirs: readonly Heir[];
  readonly agreement: Agreement;
  readonly pauses: readonly Pause[];
  readonly remarks: readonly string[];
}

export function forecast(situation: Situation): readonly PoolForecast[] {
  const { config, word, killed } = situation;
  const carriers = new Map(config.pools.map(({ id }) => [id, findServing(word, id)?.host.id ?? null]));
  for (const [pool, host] of carriers) if (host !== null && killed.has(host)) carriers.set(pool, null);
  return config.pools.map(({ id }) => {
    const found = forecastPool(id, { ...situation, carriers });
    if (found.successor !== null) carriers.set(id, found.successor);
    return found;
  });
}

/** With who carries each pool by then: those of the dead go one after the other to who has fewest. */
type Course = Situation & { readonly carriers: ReadonlyMap<PoolId, NodeId | null> };

function forecastPool(pool: PoolId, situation: Course): PoolForecast {
  const { word, killed, config } = situation;
  const primary = findServing(word, pool)?.host.id ?? null;
  const failsOver = primary === null || killed.has(primary);
  const heirs = rank(pool, situation);
  const agreement = agree(
    heirs.some(({ fit }) => fit),
    situation,
  );
  const rests = maintenanceAt(word.decisions, situation.wallMs) !== null;
  const able = agreement.reached && !rests ? (heirs.find(({ fit }) => fit)?.host ?? null) : null;
  const successor = failsOver ? able : null;
  const pauses =
    successor === null ? [] : forecastPauses(config, agreement.byStandby, situation.takeover(pool, successor));
  const remarks = rests && failsOver ? ["there is maintenance: proxies order nobody until it ends"] : [];
  return { pool, primary, failsOver, successor, heirs, agreement, pauses, remarks };
}

// --- Who --------------------------------------------------------------------------------------------------------------

function rank(pool: PoolId, situation: Course): readonly Heir[] {
  const { word, killed } = situation;
  const left = word.hosts.filter(({ host }) => !killed.has(host.id));
  const serving = findServing(word, pool)?.host.id;
  const able = order(
    pool,
    left.filter(({ host }) => host.id !== serving),
    situation,
  );
  const fit = able.map(({ host }, at): Heir => ({ host, fit: true, because: placeText(pool, able, at, situation) }));
  const unfit = left
    .filter(({ host }) => !able.some((health) => health.host === host.id))
    .map((one): Heir => ({ host: one.host.id, fit: false, because: unfitText(pool, one, situation) }));
  const dead = word.hosts.filter(({ host }) => killed.has(host.id));
  return [...fit, ...unfit, ...dead.map(({ host }): Heir => ({ host: host.id, fit: false, because: "killed" }))];
}

/** As a proxy would that has seen all of them well for long. */
function order(pool: PoolId, left: readonly HostWord[], { config, word, carriers }: Course): readonly HostHealth[] {
  const healths = left.flatMap(({ host, report }) => (report === null ? [] : [healthOf(host.id, report)]));
  const rules = {
    pool,
    preferred: config.pools.find(({ id }) => id === pool)?.preferred ?? [],
    candidates: config.hosts.filter(({ candidate }) => candidate).map(({ id }) => id),
    vaultId: config.vault.id,
    offline: excludedNodes(word.decisions) as readonly NodeId[],
    excluded: [],
    load: (host: NodeId) => loadOf(host, pool, carriers),
  };
  return candidates(healths, rules, 0, settings(config)).able;
}

const loadOf = (host: NodeId, but: PoolId, carriers: Course["carriers"]): number =>
  [...carriers].filter(([pool, carrier]) => carrier === host && pool !== but).length;

const healthOf = (host: NodeId, body: HostReport): HostHealth => ({
  ...newHostHealth(host, 0),
  verdict: { type: "up" },
  report: { body, sentMs: 0, roundTripMs: 0 },
  backMs: Number.NEGATIVE_INFINITY,
});

function placeText(pool: PoolId, able: readonly HostHealth[], at: number, { config, carriers }: Course): string {
  const [own, before] = [able[at], able[at - 1]];
  const slot = slotOf(own, pool);
  if (before === undefined) return `the first: it has applied slot ${slot}`;
  if (own?.report && isQuarantined(own.report.body)) return "it distrusts its own clock";
  const loads = [own, before].map((health) => (health ? loadOf(health.host, pool, carriers) : 0));
  if (loads[0] !== loads[1]) return `it carries ${loads[0]} other pools, ${before.host} ${loads[1]}`;
  if (slot < slotOf(before, pool)) return `it has applied slot ${slot}, ${before.host} ${slotOf(before, pool)}`;
  const preferred = config.pools.find(({ id }) => id === pool)?.preferred ?? [];
  const isListed = own !== undefined && preferred.includes(own.host);
  return isListed ? `as far, but later in preferred than ${before.host}` : `as far, after ${before.host} by name`;
}

const slotOf = (health: HostHealth | undefined, pool: PoolId): number =>
  (health?.report && poolIn(health.report.body, pool)?.slot) ?? 0;

function unfitText(pool: PoolId, { host, report, reason }: HostWord, { config, word }: Situation): string {
  const excluded = exclusionOf(word.decisions, host.id);
  if (excluded !== null) return excluded;
  if (report === null) return `it does not answer: ${reason}`;
  if (poolIn(report, pool)?.serving === true) return "it serves";
  const { storageFreshMs } = settings(config);
  const rules = { pool, vaultId: config.vault.id };
  return (
    unfitnessOf(report, rules) ?? vaultTroubleOf(report, storageFreshMs) ?? "candidate: false in the configuration"
  );
}

// --- Whether they agree -----------------------------------------------------------------------------------------------

function agree(standbyLeft: boolean, { config, word, killed, livingProxies }: Situation): Agreement {
  const lives = (id: string): boolean => livingProxies.has(id) && !killed.has(id);
  // As in a proxy's council: who was taken out, or removed, has no seat.
  const seated = config.proxies.filter(({ id }) => exclusionOf(word.decisions, id) === null);
  const seats = seated.map(({ id }) => seat(id, lives(id)));
  const self = seats.find(({ isSilent }) => !isSilent)?.proxy;
  const needed = Math.floor(seats.length / 2) + 1;
  const living = seats.filter(({ isSilent }) => !isSilent).length;
  if (self === undefined)
    return { reached: false, living, needed, byStandby: false, text: "no proxy is left to order anybody" };
  const alone = countVotes({ self, seats, standbyVotes: [], fence: null });
  const { agreed } = countVotes({ self, seats, standbyVotes: standbyLeft ? [DOWN] : [], fence: null });
  return {
    reached: agreed,
    living,
    needed,
    byStandby: agreed && !alone.agreed,
    text: ballotText({ living, needed, agreed, alone: alone.agreed }),
  };
}

const DOWN: StandbyVote = {
  host: "standby" as NodeId,
  fence: null,
  verdict: "down",
  reason: "",
  heardMs: 0,
  seenAtMs: 0,
};

const seat = (proxy: NodeId, lives: boolean): Seat => ({
  proxy,
  isSilent: !lives,
  isQuarantined: false,
  sighting: { fence: null, opinion: "lost", cause: "killed", seenAtMs: null },
});

function ballotText(of: {
  readonly living: number;
  readonly needed: number;
  readonly agreed: boolean;
  readonly alone: boolean;
}) {
  const { living, needed, agreed, alone } = of;
  if (alone) return `${living} proxies are left, ${needed} must agree`;
  if (agreed) return `${living} proxies are left, ${needed} must agree: a standby votes for those that are silent`;
  return `${living} proxies are left, ${needed} must agree, and no standby could vote for the silent ones`;
}
