/**
 * Which faults a seed has, how often, and its timing. Every seed draws a subset, so that rare ways are dense in some of them.
 */
import type { Dice } from "../dice.ts";

export interface Swarm {
  readonly hosts: number;
  readonly proxies: number;
  readonly clients: number;
  /** How long faults go on. */
  readonly runMs: number;
  readonly tickMs: number;
  readonly thinkMs: number;
  readonly reads: "check" | "barrier";
  /** A share's caches: listings and absences may be so old. 0: none. */
  readonly staleMs: number;
  readonly cleanDelayMs: number;
  readonly checkpointEverySlots: number;
  readonly rejoin: "auto" | "manual";
  /** What a silent proxy saw is forgotten after so long. */
  readonly forgetMs: number;
  readonly faults: Faults;
}

/** Times are means between two of the kind, `null` is never; the others are probabilities of one call or message. */
export interface Faults {
  readonly crashMs: number | null;
  readonly pauseMs: number | null;
  readonly longestPauseMs: number;
  readonly vaultCrashMs: number | null;
  readonly orderMs: number | null;
  readonly proxyFaultMs: number | null;
  /** A host is cut off from the share. */
  readonly cutMs: number | null;
  /** A link between a proxy and another node is cut, or all links of one node, one way or both. */
  readonly partitionMs: number | null;
  readonly longestPartitionMs: number;
  readonly fullMs: number | null;
  readonly corruptMs: number | null;
  /** The vault is replaced by an older copy, which no protocol survives without loss: only where it is asked for. */
  readonly rollbackMs: number | null;
  /** At a crash. */
  readonly losesDisk: number;
  /** At a crash: the last commits of the store are gone (a power cut). */
  readonly losesTail: number;
  readonly slowCall: number;
  readonly failedCall: number;
  readonly lostPut: number;
  /** A put that succeeded says that the name exists. */
  readonly repeatedPut: number;
  readonly failedSync: number;
  /** What a dead process had sent is performed nevertheless. */
  readonly lateAfterDeath: number;
  readonly lostMessage: number;
  /** Of a host, for a long time, between deciding on a call and its reply. */
  readonly pauseAtCall: number;
  /** The same of a taker that is about to put its fence: its slot may be cleaned away meanwhile. */
  readonly pauseAtFence: number;
  /** Between the two lists of a survey. */
  readonly pauseAtList: number;
  readonly failedOpen: number;
  readonly failedApply: number;
}

export function swarmOf(dice: Dice): Swarm {
  const staleMs = dice.chance(0.3) ? dice.spread(200, 2_500) : 0;
  const apart = dice.apart();
  const proxies = dice.chance(0.5) ? PROXIES[dice.whole(0, 1)]! : [0];
  const cleanDelayMs = dice.between(2.5, 4) * Math.max(staleMs, 100);
  return {
    hosts: dice.whole(1, 4),
    proxies: apart.pick(proxies),
    clients: dice.whole(1, 4),
    runMs: dice.between(5_000, 16_000),
    tickMs: dice.pick([20, 50]),
    thinkMs: dice.spread(8, 400),
    reads: staleMs > 0 || dice.chance(0.3) ? "barrier" : "check",
    staleMs,
    cleanDelayMs,
    checkpointEverySlots: Math.round(dice.spread(2, 16)),
    rejoin: dice.chance(0.9) ? "auto" : "manual",
    forgetMs: apart.chance(0.5) ? LONG_MS : apart.spread(500, 4_000),
    faults: {
      ...faultsOf(dice, cleanDelayMs),
      partitionMs: apart.chance(0.6) ? apart.spread(300, 4_000) : null,
      longestPartitionMs: apart.pick([1_000, 5_000, 15_000]),
    },
  };
}

const PROXIES = [
  [1, 2, 2, 3],
  [2, 3, 3, 5],
];
const LONG_MS = 3_600_000;

function faultsOf(dice: Dice, cleanDelayMs: number): Omit<Faults, "partitionMs" | "longestPartitionMs"> {
  const every = (low: number, high: number, share = 0.5): number | null =>
    dice.chance(share) ? dice.spread(low, high) : null;
  const sometimes = (most: number, share = 0.5): number => (dice.chance(share) ? dice.next() * most : 0);
  return {
    crashMs: every(800, 8_000),
    pauseMs: every(300, 4_000, 0.7),
    longestPauseMs: dice.pick([300, 2_000, 3 * cleanDelayMs]),
    vaultCrashMs: every(100, 8_000, 0.4),
    orderMs: every(200, 4_000, 0.7),
    proxyFaultMs: every(1_000, 6_000, 0.4),
    cutMs: every(1_500, 8_000, 0.3),
    fullMs: every(2_000, 8_000, 0.2),
    corruptMs: every(2_000, 8_000, 0.05),
    rollbackMs: null,
    losesDisk: sometimes(0.5),
    losesTail: sometimes(0.5),
    slowCall: sometimes(0.1),
    failedCall: sometimes(0.03),
    lostPut: sometimes(0.1),
    repeatedPut: sometimes(0.2, 0.3),
    failedSync: sometimes(0.01, 0.3),
    lateAfterDeath: dice.next(),
    lostMessage: sometimes(0.1),
    pauseAtCall: sometimes(0.02, 0.4),
    pauseAtFence: sometimes(0.6, 0.4),
    pauseAtList: sometimes(0.05, 0.3),
    failedOpen: sometimes(0.2, 0.3),
    failedApply: sometimes(0.01, 0.2),
  };
}
