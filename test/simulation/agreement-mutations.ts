/** Mistakes in how proxies come to know one another's views, and to agree on a takeover. */
import type { Mutation } from "./mutation.ts";

export const AGREEMENT_MUTATIONS: readonly Mutation[] = [
  {
    name: "merge views without versions",
    by: "cores",
    edits: [
      {
        file: "proxy/core/observation.ts",
        find: "  const lives = compareLives(a, b);\n  if (lives !== 0) return lives > 0 ? a : b;\n",
        replace:
          "  if (a.beat >= 0) return b;\n  const lives = compareLives(a, b);\n  if (lives !== 0) return lives > 0 ? a : b;\n",
      },
    ],
  },
  {
    name: "a lower life wins",
    by: "cores",
    edits: [
      {
        file: "proxy/core/observation.ts",
        find: "if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;",
        replace: "if (a.incarnation !== b.incarnation) return b.incarnation - a.incarnation;",
      },
    ],
  },
  {
    name: "a new life does not go above what is said of the one before",
    by: "cores",
    edits: [
      {
        file: "proxy/core/gossip.ts",
        find: "if (lives > 0) return { ...own, incarnation: told.incarnation + 1 };",
        replace: "if (lives > 0) return own;",
      },
    ],
  },
  {
    name: "what is forgotten can be brought back",
    by: "cores",
    edits: [
      {
        file: "proxy/core/observation.ts",
        find: "Number(a.content === null) - Number(b.content === null)",
        replace: "Number(b.content === null) - Number(a.content === null)",
      },
    ],
  },
  {
    name: "whoever is silent is forgotten too early",
    by: "cores",
    edits: [
      {
        file: "proxy/core/gossip.ts",
        find: "nowMs - (heardMs ?? awaitedMs) >= forgetMs)",
        replace: "nowMs - (heardMs ?? awaitedMs) >= forgetMs / 2)",
      },
    ],
  },
  {
    name: "a proxy writes under another's versions",
    by: "cores",
    edits: [
      {
        file: "proxy/core/gossip.ts",
        find: "    known.set(origin, after);\n",
        replace: "    known.set(origin, { ...after, version: Math.max(after.version, last?.version ?? 0) });\n",
      },
    ],
  },
  {
    name: "a vote counts for any fence",
    by: "plots",
    plot: "the primary dies, and a proxy that hears nothing is still against it when another loses sight of the next one",
    edits: [
      {
        file: "proxy/core/ballot.ts",
        find: "  (sighting.fence?.id ?? null) === fence &&\n",
        replace: "  (sighting.fence?.id ?? fence) !== '' &&\n",
      },
    ],
  },
  {
    name: "silent proxies count as votes for",
    by: "plots",
    plot: "two of three proxies die, and the third is cut off from the primary",
    edits: [
      {
        file: "proxy/core/ballot.ts",
        find: "const inFavour = seats.filter((seat) => !seat.isSilent && isFor(seat, fence));",
        replace: "const inFavour = seats.filter((seat) => seat.isSilent || isFor(seat, fence));",
      },
    ],
  },
  {
    name: "a majority of the proxies that live is enough",
    by: "plots",
    plot: "two of three proxies die, and the third is cut off from the primary",
    edits: [
      {
        file: "proxy/core/ballot.ts",
        find: "Math.floor(seats.length / 2) + 1;",
        replace: "Math.floor((seats.length - silent.length) / 2) + 1;",
      },
    ],
  },
  {
    name: "a proxy decides alone",
    by: "plots",
    plot: "one proxy is cut off from the primary",
    edits: [{ file: "proxy/core/ballot.ts", find: "Math.floor(seats.length / 2) + 1;", replace: "1;" }],
  },
  {
    name: "what was missed of a host before it became primary is a vote against it",
    by: "plots",
    plot: "the primary dies, and a proxy that hears nothing is still against it when another loses sight of the next one",
    edits: [
      {
        file: "proxy/core/judgement.ts",
        find: "if (verdict.sinceMs >= fenceSinceMs)",
        replace: "if (verdict.sinceMs >= 0)",
      },
    ],
  },
  {
    name: "a standby's alive is ignored: that it answers is enough",
    by: "plots",
    plot: "two of three proxies die, and the third is cut off from the primary",
    edits: [
      {
        file: "proxy/core/ballot.ts",
        find: '({ verdict }) => verdict === "down")',
        replace: '({ verdict }) => verdict !== "unsure")',
      },
      {
        file: "proxy/core/ballot.ts",
        find: 'standbyVotes.some(({ verdict }) => verdict === "alive")',
        replace: 'standbyVotes.some(({ host }) => host === "")',
      },
    ],
  },
  {
    name: "nobody votes for the silent",
    by: "plots",
    plot: "two of three proxies die, then the primary",
    edits: [
      {
        file: "proxy/core/ballot.ts",
        find: "const needsStandbys = own && missing > 0 && missing <= silent.length;",
        replace: "const needsStandbys = own && missing > 0 && missing < 0;",
      },
    ],
  },
  {
    name: "who is told of lives: no new beat is needed",
    by: "plots",
    plot: "three of five proxies are cut off from everybody, then the primary dies",
    edits: [
      {
        file: "proxy/core/observation.ts",
        find: "return lives > 0 || (lives === 0 && a.beat > b.beat);",
        replace: "return lives > 0 || (lives === 0 && a.beat >= b.beat);",
      },
      {
        file: "proxy/core/gossip.ts",
        find: "compareLives(stamp, last) === 0 && stamp.beat > last.beat)",
        replace: "compareLives(stamp, last) === 0 && stamp.beat >= last.beat)",
      },
    ],
  },
  {
    name: "a beat that others tell of does not count",
    by: "plots",
    plot: "two proxies are cut off from each other, then both from the primary",
    edits: [
      {
        file: "proxy/core/gossip.ts",
        find: "(last === undefined || isLivelier(after, last)))",
        replace: "(last === undefined || isLivelier(after, last)) && origin === told.from)",
      },
    ],
  },
  {
    name: "a standby says down though the owner's file moves",
    by: "plots",
    plot: "two of three proxies die, nobody writes, and nobody reaches the primary",
    edits: [
      {
        file: "host/core/vote.ts",
        find: 'if (mark.type === "moved" && value.bootId',
        replace: 'if (mark.type === "unseen" && value.bootId',
      },
      {
        file: "host/core/vote.ts",
        find: 'const settled = mark.type === "still" ||',
        replace: 'const settled = mark.type !== "watched" ||',
      },
      {
        file: "host/core/vote.ts",
        find: 'if (seen(standstill.mark, nowMs, rules.stillMs).type === "still") return',
        replace: 'if (seen(standstill.mark, nowMs, rules.stillMs).type !== "unseen") return',
      },
    ],
  },
  {
    name: "a standby looks only at the owner's file, and asks nobody",
    by: "plots",
    plot: "two of three proxies die, the third is cut off from the primary, and that one from the share for a while",
    edits: [
      {
        file: "host/core/vote.ts",
        find: '  switch (type) {\n    case "serves":\n      return alive(told, stillMs);',
        replace: '  switch (type) {\n    case "serves":\n      return down(told, stillMs);',
      },
    ],
  },
];
