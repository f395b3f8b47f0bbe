/** The scopes of the slot protocol, small ones for every test run and one large one. */
import type { ScopePlan } from "./scope.ts";
import type { Budget } from "./world.ts";

const NOTHING: Budget = {
  writes: 0,
  orders: 0,
  losses: 0,
  crashes: 0,
  releases: 0,
  checkpoints: 0,
  powerCuts: 0,
  reads: 0,
  eras: 0,
};

const PLAIN = { power: false, stale: false, cleaning: false, takers: ["B", "C"], followers: [] } as const;

export const SCOPES = {
  commit: {
    about: "an old primary, two takers, lost replies, late puts, crashes and restarts",
    features: { ...PLAIN, slots: 5, takers: ["A", "B", "C"], followers: [] },
    begun: 1,
    checkpoints: [],
    behind: 1,
    budget: { ...NOTHING, writes: 2, orders: 2, losses: 1, crashes: 1 },
    meets: [
      "a lost reply",
      "a late put",
      "an own record read back",
      "two hosts that serve",
      "a third epoch",
      "a late answer",
      "an answer of not applied",
      "a restart",
      "a host deposed before it served",
    ],
  },
  following: {
    about: "a primary that releases, a taker, and a standby that follows by listing",
    features: { ...PLAIN, slots: 5, takers: ["B"], followers: ["C"] },
    begun: 1,
    checkpoints: [],
    behind: 1,
    budget: { ...NOTHING, writes: 2, orders: 1, losses: 1, releases: 1 },
    meets: ["a release", "a late answer", "a lost reply", "two hosts that serve"],
  },
  cleaning: {
    about: "checkpoints and cleaning under hosts that sleep, with listings as old as the era",
    features: { ...PLAIN, slots: 5, stale: true, cleaning: true, takers: ["B", "C"], followers: ["C"] },
    begun: 3,
    checkpoints: [3],
    behind: 1,
    budget: { ...NOTHING, writes: 3, orders: 2, checkpoints: 1, eras: 2 },
    meets: ["a cleaned slot", "a void fence", "a fence found void by its owner", "a restore", "an old listing"],
  },
  power: {
    about: "power cuts of the vault, which lose names that were not synced",
    features: { ...PLAIN, slots: 4, power: true, takers: ["B"], followers: ["C"] },
    begun: 1,
    checkpoints: [],
    behind: 1,
    budget: { ...NOTHING, writes: 2, orders: 1, losses: 1, crashes: 1, powerCuts: 1 },
    meets: ["a name lost in a power cut", "an own record read back", "a late answer"],
  },
  reads: {
    about: "linearizable reads at a primary that may have been deposed, by a check",
    features: { ...PLAIN, slots: 5, takers: ["A", "B"] },
    begun: 1,
    checkpoints: [],
    behind: 1,
    budget: { ...NOTHING, writes: 2, orders: 2, losses: 1, crashes: 1, reads: 1 },
    meets: ["a read answered", "a read refused", "two hosts that serve", "a third epoch"],
  },
} as const satisfies Readonly<Record<string, ScopePlan>>;

export type ScopeName = keyof typeof SCOPES;
