import { describe, expect, test } from "vitest";
import { planRebalance, type BalancedPool } from "../../../deploy/cli/pool/rebalance-plan.ts";
import { parseNodeId, parsePoolId } from "../../../shared/ids.ts";

const HOSTS = ["a", "b", "c"].map(parseNodeId);

/** `a: 1 2 3` is who serves what; each could go to all others, in their order, but for what `fit` says. */
function pools(owners: Readonly<Record<string, string>>, fit: Readonly<Record<string, string>> = {}): BalancedPool[] {
  return Object.entries(owners).flatMap(([primary, names]) =>
    names.split(" ").map((name) => ({
      pool: parsePoolId(`p${name}`),
      primary: parseNodeId(primary),
      fit: fit[name]?.split(" ").map(parseNodeId) ?? HOSTS.filter((host) => host !== primary),
    })),
  );
}

const moves = (...args: Parameters<typeof pools>): string[] =>
  planRebalance(pools(...args), HOSTS).map(({ pool, from, to }) => `${pool} ${from} ${to}`);

describe("a plan", () => {
  test("moves as few as it takes", () => {
    expect(moves({ a: "1 2 3 4 5 6" })).toHaveLength(4);
    expect(moves({ a: "1 2 3 4", b: "5", c: "6" })).toEqual(["p1 a b", "p2 a c"]);
  });

  test("is empty where hosts differ by one, or nothing is served", () => {
    expect(moves({ a: "1 2", b: "3 4", c: "5" })).toEqual([]);
    expect(planRebalance([], HOSTS)).toEqual([]);
  });

  test("gives a new host its share", () => {
    expect(moves({ a: "1 2 3", b: "4 5 6" }).map((move) => move.slice(-1))).toEqual(["c", "c"]);
  });

  test("prefers a pool that likes its new host best", () => {
    expect(moves({ a: "1 2 3", b: "4", c: "5" }, { "1": "c b", "2": "b c", "3": "c" })).toEqual(["p1 a c"]);
  });

  test("never moves to a host that is not fit, and ends", () => {
    expect(moves({ a: "1 2 3 4" }, { "1": "b", "2": "b", "3": "b", "4": "b" })).toEqual(["p1 a b", "p2 a b"]);
    expect(
      planRebalance(
        pools({ a: "1 2 3" }).map((pool) => ({ ...pool, fit: [] })),
        HOSTS,
      ),
    ).toEqual([]);
  });
});
