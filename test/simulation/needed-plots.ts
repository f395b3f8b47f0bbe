/** Plots that need a takeover: the primary is gone, or nobody can use it. */
import { anyWay, FOR_EVER_MS, LONG_MS, others, type Cast, type Plot } from "./plot.ts";

/** Detection, agreement, order and takeover, where enough proxies live. */
const SOON_MS = 4_000;
/** The same with a standby's vote: it has to see the vault stand still first, and proxies have to be silent for a while. */
const BY_VOTE_MS = 9_000;
/** A vault that the primary cannot write to. */
const BY_STORAGE_MS = 16_000;
const ORDER_LOOK_MS = 3;

export const NEEDED: readonly Omit<Plot, "takeovers">[] = [
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
