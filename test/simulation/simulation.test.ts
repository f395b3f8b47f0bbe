/**
 * Whole clusters of production hosts and proxies, each from a seed: a fixed set, some that nobody has seen before, and
 * those that once found something. `SEED=n npm run simulate` plays one again, and finds out which faults it needs.
 */
import { expect, test } from "vitest";
import { simulate } from "./simulation.ts";
import { QUIET, type Swarm } from "./swarm.ts";

const FIXED = 32;
const FRESH = 10;
const FIRST_FRESH = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
const TIMEOUT_MS = 240_000;

/** What they found, in the versions before the fix. */
const FOUND: readonly (readonly [number, string])[] = [
  [66, "a standby whose sync failed once stood still for ever"],
  [300_207, "a host that could not sync the root never ended, since its probe could not write for that reason"],
  [100_065, "a host that was held for dead by mistake got a request twice, which the judge took for two executions"],
  [544_187_623, "a request that a deposed host gave back without an effect counted as executed there"],
  [345, "a receipt called a fence void that a checkpoint had led past"],
  [770, "a host went by a decision that a crash of the share took back, and nobody could decide anything any more"],
  [1353, "a settled request was told that nothing was written, as its answer could not be proven in a full vault"],
  [802, "a receipt called a fence void that a takeover had passed"],
  [2697, "a receipt called the own fence void, as the listing of records was older than that of checkpoints"],
  [1709, "a host that could not sync the folder of revisions stayed out for ever, as it read none any more"],
  [116, "a host with a folder that it could not sync waited for somebody to restart it"],
];

test(`${FIXED} seeds from 1 on hold every invariant`, { timeout: TIMEOUT_MS }, async () => {
  for (let seed = 1; seed <= FIXED; seed += 1) expect(await failureOf(seed)).toBe("");
});

test(`${FRESH} fresh seeds from ${FIRST_FRESH} on hold every invariant`, { timeout: TIMEOUT_MS }, async () => {
  for (let seed = FIRST_FRESH; seed < FIRST_FRESH + FRESH; seed += 1) expect(await failureOf(seed)).toBe("");
});

test.each(FOUND)("seed %i: %s", { timeout: TIMEOUT_MS }, async (seed) => expect(await failureOf(seed)).toBe(""));

test.each<[string, Partial<Swarm>, readonly string[]]>([
  [
    "jump: hosts go into quarantine, primaries hand over, and all return when the clocks are right",
    { clockDrift: 0, faults: { ...QUIET, clockJumpMs: 4_000 } },
    ["fault: clock jump", "quarantine", "handover because of a clock", "quarantine ends"],
  ],
  ["drift: who is far from the others goes into quarantine", { clockDrift: 0.1, faults: QUIET }, ["quarantine"]],
])("clocks that %s", { timeout: TIMEOUT_MS }, async (_, swarm, shown) => {
  const seen = new Set<string>();
  const missing = (): readonly string[] => shown.filter((what) => !seen.has(what));
  for (let seed = 1; seed <= 8 && missing().length > 0; seed += 1) {
    const focus = (drawn: Swarm): Swarm => ({ ...drawn, hosts: 3, proxies: 2, runMs: 15_000, ...swarm });
    const result = await simulate({ seed, focus });
    expect(result.failure?.text ?? "").toBe("");
    for (const what of result.seen.keys()) seen.add(what);
  }
  expect(missing()).toEqual([]);
});

test("the same seed gives the same run, to the last event", { timeout: TIMEOUT_MS }, async () => {
  // The last one moves a write-ahead log into its database.
  for (const seed of [5, 9, 14, 1353]) {
    const [one, other] = [await simulate({ seed }), await simulate({ seed })];
    expect(one.steps).toBeGreaterThan(1_000);
    expect(other).toEqual(one);
  }
});

const failureOf = async (seed: number): Promise<string> => (await simulate({ seed })).failure?.text ?? "";
