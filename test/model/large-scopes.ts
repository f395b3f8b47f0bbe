/** Larger scopes, for `node test/model/main.ts --bounds large`: minutes, not seconds. */
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
