/**
 * Which faults a seed has, how often, and its timing. Every seed draws a subset, so that rare ways are dense in some of them.
 */
import type { Dice } from "./dice.ts";

export interface Swarm {
  readonly hosts: number;
  readonly proxies: number;
  readonly clients: number;
  /** How long faults go on. */
  readonly runMs: number;
  readonly thinkMs: number;
  /** What hosts take the share for. */
  readonly mount: "local" | "nfs" | "nfs, lookupcache=positive";
  /** A share's caches: listings and absences may be so old. 0: none. */
  readonly staleMs: number;
  readonly cleanDelayMs: number;
  readonly checkpointIntervalMs: number;
  readonly rejoin: "auto" | "manual";
  /** Life of a proxy's keys, in log time. */
  readonly keyLifeMs: number;
  /** Share by which each machine's clock may be fast or slow. */
  readonly clockDrift: number;
  readonly faults: Faults;
}

/** Times are means between two of the kind, `null` is never; the others are probabilities of one call or message. */
export interface Faults {
  readonly crashMs: number | null;
  readonly stopMs: number | null;
  readonly pauseMs: number | null;
  readonly longestPauseMs: number;
  readonly vaultCrashMs: number | null;
  readonly orderMs: number | null;
  readonly proxyFaultMs: number | null;
  /** A machine is cut off from the share. */
  readonly cutMs: number | null;
  /** A link between machines is cut, or all links of one, one way or both. */
  readonly partitionMs: number | null;
  readonly longestPartitionMs: number;
  readonly resetMs: number | null;
  readonly fullMs: number | null;
  readonly corruptMs: number | null;
  readonly clockJumpMs: number | null;
  /** An operator does something. */
  readonly operatorMs: number | null;
  /** At a crash. */
  readonly losesDisk: number;
  /** At a crash: the last commits of the store are gone (a power cut). */
  readonly losesTail: number;
  readonly slowCall: number;
  readonly failedCall: number;
  readonly flippedRead: number;
  readonly lostPut: number;
  /** A put that is performed twice: it says that the name exists, or is performed again long after. */
  readonly repeatedPut: number;
  readonly failedSync: number;
  /** What a dead process had sent is performed nevertheless. */
  readonly lateAfterDeath: number;
  readonly lostMessage: number;
  readonly doubledMessage: number;
  /** Of a host, for a long time, between deciding on a call and its reply. */
  readonly pauseAtCall: number;
  /** The same of a taker that is about to put its fence: its slot may be cleaned away meanwhile. */
  readonly pauseAtFence: number;
  readonly pauseAtList: number;
}

/** No faults at all, to begin with. */
export const QUIET: Faults = {
  crashMs: null,
  stopMs: null,
  pauseMs: null,
  longestPauseMs: 300,
  vaultCrashMs: null,
  orderMs: null,
  proxyFaultMs: null,
  cutMs: null,
  partitionMs: null,
  longestPartitionMs: 5_000,
  resetMs: null,
  fullMs: null,
  corruptMs: null,
  clockJumpMs: null,
  operatorMs: null,
  losesDisk: 0,
  losesTail: 0,
  slowCall: 0,
  failedCall: 0,
  flippedRead: 0,
  lostPut: 0,
  repeatedPut: 0,
  failedSync: 0,
  lateAfterDeath: 0,
  lostMessage: 0,
  doubledMessage: 0,
  pauseAtCall: 0,
  pauseAtFence: 0,
  pauseAtList: 0,
};

export function swarmOf(dice: Dice): Swarm {
  const mount = dice.pick(["local", "local", "nfs", "nfs, lookupcache=positive"] as const);
  const apart = dice.apart();
  const staleMs = mount === "nfs" ? dice.spread(200, 1_500) : 0;
  return {
    hosts: dice.pick([1, 2, 3, 3]),
    proxies: apart.pick(dice.pick([[0], [1, 2], [1, 3], [2, 3]])),
    clients: dice.whole(1, 4),
    // Long enough for cleaning, now and then: two checkpoints, another host's word, and the delay.
    runMs: dice.chance(0.2) ? dice.between(12_000, 24_000) : dice.between(4_000, 10_000),
    thinkMs: dice.spread(15, 400),
    mount,
    staleMs,
    cleanDelayMs: Math.max(1_000, 3 * staleMs),
    checkpointIntervalMs: Math.round(dice.spread(1_000, 8_000)),
    rejoin: dice.chance(0.9) ? "auto" : "manual",
    keyLifeMs: dice.pick([600_000, 600_000, 2_000]),
    clockDrift: dice.chance(0.3) ? 0.1 : 0,
    faults: {
      ...faultsOf(dice),
      longestPartitionMs: apart.pick([1_000, 5_000, 15_000]),
      operatorMs: apart.chance(0.4) ? apart.spread(200, 3_000) : null,
    },
  };
}

function faultsOf(dice: Dice): Omit<Faults, "longestPartitionMs" | "operatorMs"> {
  const every = (low: number, high: number, share = 0.5): number | null =>
    dice.chance(share) ? dice.spread(low, high) : null;
  const sometimes = (most: number, share = 0.5): number => (dice.chance(share) ? dice.next() * most : 0);
  return {
    crashMs: every(700, 6_000, 0.6),
    stopMs: every(2_000, 8_000, 0.2),
    pauseMs: every(300, 4_000, 0.6),
    longestPauseMs: dice.pick([300, 2_000, 5_000]),
    vaultCrashMs: every(100, 6_000, 0.4),
    orderMs: every(200, 3_000, 0.6),
    proxyFaultMs: every(1_000, 5_000, 0.4),
    cutMs: every(1_500, 6_000, 0.3),
    partitionMs: every(1_000, 6_000, 0.4),
    resetMs: every(200, 3_000, 0.3),
    fullMs: every(2_000, 6_000, 0.2),
    corruptMs: every(2_000, 6_000, 0.06),
    clockJumpMs: every(500, 4_000, 0.3),
    losesDisk: sometimes(0.5),
    losesTail: sometimes(0.6),
    slowCall: sometimes(0.08),
    failedCall: sometimes(0.01),
    flippedRead: sometimes(0.01, 0.2),
    lostPut: sometimes(0.1),
    repeatedPut: sometimes(0.2, 0.3),
    failedSync: sometimes(0.005, 0.3),
    lateAfterDeath: dice.next(),
    lostMessage: sometimes(0.1),
    doubledMessage: sometimes(0.1, 0.3),
    pauseAtCall: sometimes(0.005, 0.4),
    pauseAtFence: sometimes(0.6, 0.4),
    pauseAtList: sometimes(0.005, 0.3),
  };
}
