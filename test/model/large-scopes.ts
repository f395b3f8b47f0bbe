/** Larger scopes, for `node test/model/main.ts --bounds large`: a minute or two, not seconds. */
import type { ScopePlan } from "./scope.ts";
import { SCOPES } from "./scopes.ts";

export const LARGE_SCOPES = {
  commit: {
    ...SCOPES.commit,
    about: "the same with one slot more, two lost replies, and a crash of anybody",
    features: { ...SCOPES.commit.features, slots: 6 },
    budget: { ...SCOPES.commit.budget, losses: 2, crashes: 1 },
  },
  cleaning: {
    ...SCOPES.cleaning,
    about: "the same with a host that follows, and with primaries that go on writing",
    features: { ...SCOPES.cleaning.features, followers: ["C"] },
    budget: { ...SCOPES.cleaning.budget, writes: 4 },
  },
  "cleaning with faults": {
    ...SCOPES.cleaning,
    about: "the same with a lost reply and a crash of anybody",
    budget: { ...SCOPES.cleaning.budget, losses: 1, crashes: 1 },
  },
  "late standby": {
    ...SCOPES["late standby"],
    about: "the same with a crash of anybody",
    budget: { ...SCOPES["late standby"].budget, crashes: 1 },
  },
  deposition: {
    ...SCOPES.deposition,
    about: "the same with a crash of anybody",
    budget: { ...SCOPES.deposition.budget, crashes: 1 },
  },
  checkpoints: {
    ...SCOPES.checkpoints,
    about: "the same with two takers, and one slot less",
    features: { ...SCOPES.checkpoints.features, takers: ["B", "C"], slots: 5 },
    budget: { ...SCOPES.checkpoints.budget, orders: 2 },
  },
  power: {
    ...SCOPES.power,
    about: "the same with two writes and a crash",
    budget: { ...SCOPES.power.budget, writes: 2, crashes: 1 },
  },
} as const satisfies Readonly<Record<string, ScopePlan>>;

export type LargeScopeName = keyof typeof LARGE_SCOPES;
