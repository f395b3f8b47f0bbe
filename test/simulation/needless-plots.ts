/** Plots that need no takeover: the primary lives, writes, and is reached by enough. */
import { anyWay, FOR_EVER_MS, LONG_MS, others, type Cast, type Named, type Plot } from "./plot.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimProxy } from "./sim-proxy.ts";

export const NEEDLESS: readonly Omit<Plot, "takeovers" | "withinMs">[] = [
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

function cutFor(cast: Cast, some: readonly Named[], from: readonly Named[], ways = anyWay(cast)): void {
  const forMs = cast.dice.spread(500, 2 * LONG_MS);
  cast.cut(some, from, ways, forMs);
  cast.lasts(forMs);
}

function killFor(cast: Cast, node: SimHost | SimProxy, forMs: number): void {
  node.crash();
  cast.later(forMs, () => node.start());
}
