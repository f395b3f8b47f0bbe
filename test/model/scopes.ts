/** The scopes of the slot protocol: small ones for every test run. */
import type { Beginning, ScopePlan } from "./scope.ts";
import type { Budget, Features } from "./world.ts";

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

const PLAIN: Omit<Features, "rules"> = {
  slots: 5,
  power: false,
  stale: false,
  cleaning: false,
  hurried: true,
  takers: ["B", "C"],
  followers: [],
};

const NEW: Beginning = {
  history: ["A fences"],
  checkpoints: [],
  eraSlot: null,
  behind: { A: 1, B: 1, C: 1 },
  sleeper: null,
};

export const SCOPES = {
  commit: {
    about: "an old primary, two takers, lost replies, puts that arrive late",
    features: PLAIN,
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 2, losses: 1 },
    meets: [
      "a lost reply",
      "a late put",
      "an own record read back",
      "two hosts that serve",
      "a third epoch",
      "a late answer",
      "an answer of not applied",
      "a host deposed before it served",
    ],
  },
  restart: {
    about: "crashes and restarts of a primary and of a taker, with lost replies and local commits lost",
    features: { ...PLAIN, takers: ["A", "B"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 2, crashes: 1, reads: 1 },
    meets: ["a restart", "a late put", "a third epoch", "a read answered", "a read refused", "a late answer"],
  },
  following: {
    about: "a primary that releases, a taker, and a standby that follows by listing",
    features: { ...PLAIN, takers: ["B"], followers: ["C"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 1, losses: 1, releases: 1 },
    meets: ["a release", "a late answer", "a lost reply", "two hosts that serve"],
  },
  cleaning: {
    about: "cleaning under two takers that sleep, with listings as old as the era",
    features: { ...PLAIN, stale: true, cleaning: true, hurried: false },
    begin: {
      ...NEW,
      history: ["A fences", "A writes 1", "A writes 2", "A writes 3"],
      checkpoints: [3, 4],
      eraSlot: 1,
    },
    budget: { ...NOTHING, orders: 2, eras: 1 },
    meets: [
      "a cleaned slot",
      "a void fence",
      "a fence found void by its owner",
      "a fence found void by another",
      "an old listing",
      "two hosts that serve",
    ],
  },
  "late standby": {
    about: "cleaning under a standby that sleeps while it follows, and a taker whose fence is void",
    features: { ...PLAIN, stale: true, cleaning: true, hurried: false, takers: ["B"], followers: ["C"] },
    begin: {
      ...NEW,
      history: ["A fences", "A writes 1", "A writes 2", "A writes 3"],
      checkpoints: [3, 4],
      eraSlot: 1,
    },
    budget: { ...NOTHING, orders: 1, eras: 1 },
    meets: ["a cleaned slot", "a void fence", "a restore", "an old listing"],
  },
  checkpoints: {
    about: "a journal that grows, checkpoints and cleaning behind it, and a takeover",
    features: { ...PLAIN, slots: 6, stale: true, cleaning: true, hurried: false, takers: ["B"] },
    begin: { ...NEW, history: ["A fences", "A writes 1", "A writes 2"], checkpoints: [2] },
    budget: { ...NOTHING, writes: 4, orders: 1, eras: 2, checkpoints: 2 },
    meets: ["a cleaned slot", "an old listing", "two hosts that serve"],
  },
  deposition: {
    about: "a deposed primary that slept in its put while its slot was cleaned and taken by a void fence",
    features: { ...PLAIN, slots: 7, stale: true, cleaning: true, hurried: false, takers: ["C"] },
    begin: {
      history: ["A fences", "A writes 1", "A writes 2", "B fences", "B writes 3", "B writes 4"],
      checkpoints: [5, 6],
      eraSlot: 2,
      behind: { A: 2, B: 6, C: 2 },
      sleeper: "A",
    },
    budget: { ...NOTHING, orders: 1, eras: 1, losses: 1 },
    meets: [
      "a void fence",
      "an own record read back",
      "a late put",
      "a deposed primary that cannot tell",
      "a late answer",
    ],
  },
  sleeper: {
    about: "a deposed primary that slept in its put, and goes on to write behind records that were cleaned away",
    features: { ...PLAIN, slots: 7, stale: true, cleaning: true, hurried: false, takers: [] },
    begin: {
      history: ["A fences", "A writes 1", "A writes 2", "B fences", "B writes 3", "B writes 4"],
      checkpoints: [5, 6],
      eraSlot: 2,
      behind: { A: 2, B: 6, C: 2 },
      sleeper: "A",
    },
    budget: { ...NOTHING, writes: 5, eras: 1, losses: 1 },
    meets: ["a cleaned slot", "an own record read back", "a late answer", "a late put"],
  },
  power: {
    about: "a power cut of the vault, which loses names that were not synced",
    features: { ...PLAIN, slots: 4, power: true, hurried: false, takers: ["B"], followers: ["C"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 1, orders: 1, losses: 1, powerCuts: 1 },
    meets: ["a name lost in a power cut", "an own record read back", "a late answer"],
  },
  "reads by check": {
    about: "linearizable reads at a primary that may be deposed, on a share that does not show old absences",
    features: { ...PLAIN, takers: ["B"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 1, losses: 1, reads: 1 },
    meets: ["a read answered", "a read refused", "two hosts that serve"],
  },
  "reads by barrier": {
    about: "linearizable reads by an empty batch, on a share that shows old absences",
    features: { ...PLAIN, takers: ["B"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 1, losses: 1, reads: 1 },
    meets: ["a read answered", "two hosts that serve"],
    rules: { proof: "barrier", absence: "stale" },
  },
  "reads by lease": {
    about: "linearizable reads under a lease which the next primary waits for: a design that was not chosen",
    features: { ...PLAIN, takers: ["B"] },
    begin: NEW,
    budget: { ...NOTHING, writes: 2, orders: 1, reads: 1 },
    meets: ["a read answered"],
    rules: { proof: "lease" },
  },
} as const satisfies Readonly<Record<string, ScopePlan>>;

export type ScopeName = keyof typeof SCOPES;
