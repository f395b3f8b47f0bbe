/**
 * Single faults in a cluster that is well otherwise, of which it is known what must come of them: no takeover while the
 * primary lives, writes and is reached by enough; exactly one, in time, where it is gone.
 */
import type { Dice } from "./dice.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimProxy } from "./sim-proxy.ts";
import { QUIET, type Swarm } from "./swarm.ts";

/** Which way nothing goes. */
export type Ways = "to" | "from" | "both";

/** Who is there, and what can be done. */
export interface Cast {
  readonly dice: Dice;
  readonly primary: SimHost;
  readonly standbys: readonly SimHost[];
  /** Whichever is the first. */
  readonly proxies: readonly SimProxy[];
  readonly cut: (some: readonly Named[], others: readonly Named[], ways: Ways, forMs: number) => void;
  readonly cutShare: (host: SimHost, forMs: number, how: "hangs" | "fails") => void;
  readonly later: (delayMs: number, run: () => void) => void;
  /** It goes on for so long. */
  readonly lasts: (forMs: number) => void;
  /** From now on a takeover is needed. */
  readonly needed: () => void;
}

interface Named {
  readonly id: string;
}

export interface Plot {
  readonly name: string;
  readonly hosts: number;
  readonly proxies: number;
  /** Nobody writes. */
  readonly isIdle?: boolean;
  readonly act: (cast: Cast) => void;
  /** That must follow. */
  readonly takeovers: 0 | 1;
  /** After it was needed. */
  readonly withinMs: number;
}

const FOR_EVER_MS = Infinity;
/** Detection, agreement, order and takeover, where nobody is silent. */
const SOON_MS = 4_000;
/** The same with a standby's vote: it has to see the vault stand still first, and proxies have to be silent for a while. */
const BY_VOTE_MS = 9_000;
/** A vault that the primary cannot write to. */
const BY_STORAGE_MS = 16_000;
/** Longer than any of the cluster's patience. */
const LONG_MS = 6_000;

const MOST_STALE_MS = 800;
const ORDER_LOOK_MS = 3;

const anyWay = ({ dice }: Cast): Ways => dice.pick(["to", "from", "both"]);

/** Everybody but him. */
const others = ({ primary, standbys, proxies }: Cast, ...some: readonly Named[]): readonly Named[] =>
  [primary, ...standbys, ...proxies].filter(({ id }) => some.every((one) => one.id !== id));

function cutFor(cast: Cast, some: readonly Named[], from: readonly Named[], ways = anyWay(cast)): void {
  const forMs = cast.dice.spread(500, 2 * LONG_MS);
  cast.cut(some, from, ways, forMs);
  cast.lasts(forMs);
}

function killFor(cast: Cast, node: SimHost | SimProxy, forMs: number): void {
  node.crash();
  cast.later(forMs, () => node.start());
}

function loses(cast: Cast): void {
  cast.primary.crash();
  cast.needed();
}

/** As soon as it shows that it has, the first by its id; all others, and what it sent, go on. */
function killWhoOrders(cast: Cast): void {
  const byId = cast.proxies.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const orders = byId.find(({ status }) => status?.pools[0]?.state === "taking-over");
  if (orders) orders.crash();
  else cast.later(ORDER_LOOK_MS, () => killWhoOrders(cast));
}

const NEEDLESS: readonly Omit<Plot, "takeovers" | "withinMs">[] = [
  {
    name: "one proxy is cut off from everybody",
    hosts: 3,
    proxies: 3,
    act: (cast) => cutFor(cast, cast.proxies.slice(0, 1), others(cast)),
  },
  {
    name: "one proxy is cut off from the primary",
    hosts: 3,
    proxies: 3,
    act: (cast) => cutFor(cast, cast.proxies.slice(0, 1), [cast.primary]),
  },
  {
    name: "one proxy is cut off from another node than the primary",
    hosts: 3,
    proxies: 3,
    act: (cast) =>
      cutFor(cast, cast.proxies.slice(0, 1), [cast.dice.pick(others(cast, cast.primary, cast.proxies[0]!))]),
  },
  {
    name: "one of two proxies is cut off from the primary",
    hosts: 2,
    proxies: 2,
    act: (cast) => cutFor(cast, cast.proxies.slice(0, 1), [cast.primary]),
  },
  {
    name: "hosts are cut off from one another",
    hosts: 3,
    proxies: 3,
    act: (cast) => cutFor(cast, [cast.primary, ...cast.standbys], [cast.primary, ...cast.standbys]),
  },
  {
    name: "one proxy is paused",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      const forMs = cast.dice.spread(300, 2 * LONG_MS);
      cast.proxies[0]?.machine.pause(forMs);
      cast.lasts(forMs);
    },
  },
  {
    name: "all proxies are paused for a while",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      const forMs = cast.dice.between(LONG_MS / 2, 2 * LONG_MS);
      for (const { machine } of cast.proxies) machine.pause(forMs);
      cast.lasts(forMs + LONG_MS);
    },
  },
  {
    name: "proxies are killed and started again one after the other",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      const gapMs = cast.dice.spread(300, 3_000);
      cast.proxies.forEach((proxy, index) =>
        cast.later(index * gapMs, () => killFor(cast, proxy, cast.dice.between(50, gapMs))),
      );
    },
  },
  {
    name: "a proxy's wall clock jumps",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      cast.proxies[0]!.machine.wall.offsetMs = cast.dice.between(-3_600_000, 3_600_000);
      cast.lasts(LONG_MS);
    },
  },
  {
    name: "a standby dies",
    hosts: 3,
    proxies: 3,
    act: (cast) => killFor(cast, cast.standbys[0]!, cast.dice.spread(300, LONG_MS)),
  },
  {
    name: "the primary is paused for a moment",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      cast.primary.machine.pause(cast.dice.between(50, 450));
      cast.lasts(LONG_MS);
    },
  },
  {
    name: "two of three proxies die, and the third is cut off from the primary",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      for (const proxy of cast.proxies.slice(1)) proxy.crash();
      cast.cut(cast.proxies.slice(0, 1), [cast.primary], anyWay(cast), FOR_EVER_MS);
      cast.lasts(2 * LONG_MS);
    },
  },
  {
    name: "two of three proxies die, the third is cut off from the primary, and that one from the share for a while",
    hosts: 3,
    proxies: 3,
    act: (cast) => {
      for (const proxy of cast.proxies.slice(1)) proxy.crash();
      cast.cut(cast.proxies.slice(0, 1), [cast.primary], "both", FOR_EVER_MS);
      cast.cutShare(cast.primary, LONG_MS, "hangs");
      cast.lasts(2 * LONG_MS);
    },
  },
  {
    name: "two of three proxies die, nobody writes, and nobody reaches the primary",
    hosts: 3,
    proxies: 3,
    isIdle: true,
    act: (cast) => {
      for (const proxy of cast.proxies.slice(1)) proxy.crash();
      cast.cut([cast.primary], others(cast), "both", FOR_EVER_MS);
      cast.lasts(2 * LONG_MS);
    },
  },
  {
    name: "a machine with the primary and one of two proxies is cut off, and reaches the share",
    hosts: 2,
    proxies: 2,
    act: (cast) => {
      const machine = [cast.primary, cast.proxies[0]!];
      cutFor(cast, machine, others(cast, ...machine), "both");
    },
  },
];

const NEEDED: readonly Omit<Plot, "takeovers">[] = [
  { name: "the primary dies", hosts: 3, proxies: 3, withinMs: SOON_MS, act: loses },
  { name: "the primary dies, and there is one proxy", hosts: 2, proxies: 1, withinMs: SOON_MS, act: loses },
  {
    name: "the primary is paused",
    hosts: 3,
    proxies: 3,
    withinMs: SOON_MS,
    act: (cast) => {
      cast.primary.machine.pause(10 * LONG_MS);
      cast.needed();
    },
  },
  {
    name: "no proxy reaches the primary",
    hosts: 3,
    proxies: 3,
    withinMs: SOON_MS,
    act: (cast) => {
      cast.cut([cast.primary], cast.proxies, anyWay(cast), FOR_EVER_MS);
      cast.needed();
    },
  },
  {
    name: "two proxies are cut off from each other, then both from the primary",
    hosts: 3,
    proxies: 3,
    withinMs: SOON_MS,
    act: (cast) => {
      const [one, other] = cast.proxies;
      cast.cut([one!], [other!], "both", FOR_EVER_MS);
      cast.later(LONG_MS, () => {
        cast.cut([one!, other!], [cast.primary], anyWay(cast), FOR_EVER_MS);
        cast.needed();
      });
    },
  },
  {
    name: "the primary dies, and so does the proxy that orders",
    hosts: 3,
    proxies: 3,
    withinMs: 2 * SOON_MS,
    act: (cast) => {
      loses(cast);
      killWhoOrders(cast);
    },
  },
  {
    name: "one proxy is cut off from everybody, then the primary dies",
    hosts: 3,
    proxies: 3,
    withinMs: SOON_MS,
    act: (cast) => {
      cast.cut(cast.proxies.slice(0, 1), others(cast), anyWay(cast), FOR_EVER_MS);
      cast.later(cast.dice.between(0, LONG_MS), () => loses(cast));
    },
  },
  {
    name: "two of three proxies die, then the primary",
    hosts: 3,
    proxies: 3,
    withinMs: BY_VOTE_MS,
    act: (cast) => {
      for (const proxy of cast.proxies.slice(1)) proxy.crash();
      cast.later(cast.dice.between(0, LONG_MS), () => loses(cast));
    },
  },
  {
    name: "three of five proxies die, then the primary",
    hosts: 3,
    proxies: 5,
    withinMs: BY_VOTE_MS,
    act: (cast) => {
      for (const proxy of cast.proxies.slice(2)) proxy.crash();
      cast.later(cast.dice.between(0, LONG_MS), () => loses(cast));
    },
  },
  {
    name: "three of five proxies are cut off from everybody, then the primary dies",
    hosts: 3,
    proxies: 5,
    withinMs: BY_VOTE_MS,
    act: (cast) => {
      cast.cut(cast.proxies.slice(2), others(cast), "both", FOR_EVER_MS);
      cast.later(cast.dice.between(0, LONG_MS), () => loses(cast));
    },
  },
  {
    name: "a machine with the primary and one of two proxies dies",
    hosts: 2,
    proxies: 2,
    withinMs: BY_VOTE_MS,
    act: (cast) => {
      cast.proxies[0]!.crash();
      loses(cast);
    },
  },
  {
    name: "a machine with the primary and one of two proxies is cut off, also from the share",
    hosts: 2,
    proxies: 2,
    withinMs: BY_VOTE_MS,
    act: (cast) => {
      const machine = [cast.primary, cast.proxies[0]!];
      cast.cut(machine, others(cast, ...machine), "both", FOR_EVER_MS);
      cast.cutShare(cast.primary, 10 * LONG_MS, cast.dice.pick(["hangs", "fails"]));
      cast.needed();
    },
  },
  {
    name: "the primary is cut off from the share",
    hosts: 3,
    proxies: 3,
    withinMs: BY_STORAGE_MS,
    act: (cast) => {
      cast.cutShare(cast.primary, 10 * LONG_MS, cast.dice.pick(["hangs", "fails"]));
      cast.needed();
    },
  },
  {
    name: "the primary dies, and a proxy that hears nothing is still against it when another loses sight of the next one",
    hosts: 3,
    proxies: 3,
    withinMs: SOON_MS,
    act: (cast) => {
      const [deaf, blind] = cast.proxies;
      cast.cut([deaf!], others(cast), "from", FOR_EVER_MS);
      cast.later(LONG_MS, () => loses(cast));
      cast.later(2 * LONG_MS, () =>
        cast.cut(
          [blind!],
          cast.standbys.filter(({ serving }) => serving),
          "both",
          FOR_EVER_MS,
        ),
      );
      cast.lasts(3 * LONG_MS);
    },
  },
];

export const PLOTS: readonly Plot[] = [
  ...NEEDLESS.map((plot): Plot => ({ ...plot, takeovers: 0, withinMs: 0 })),
  ...NEEDED.map((plot): Plot => ({ ...plot, takeovers: 1 })),
];

/** Another one for each seed. */
export const plotOf = (seed: number): Plot => PLOTS[seed % PLOTS.length]!;

export function plotNamed(name: string): Plot {
  const found = PLOTS.find((plot) => plot.name === name);
  if (!found) throw new Error(`there is no plot "${name}"`);
  return found;
}

/** A cluster without any other fault. */
export const calm = (swarm: Swarm, { hosts, proxies, isIdle = false }: Plot): Swarm => ({
  ...swarm,
  hosts,
  proxies,
  clients: 1,
  thinkMs: isIdle ? 3_600_000 : 150,
  runMs: 120_000,
  // A share that is late for longer than a primary looks for its own record makes it step down: that is no single fault.
  staleMs: Math.min(swarm.staleMs, MOST_STALE_MS),
  rejoin: "auto",
  clockDrift: 0,
  faults: QUIET,
});
