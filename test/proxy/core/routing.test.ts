import { describe, expect, it } from "vitest";
import { parsePoolId } from "../../../shared/ids.ts";
import { poolOf } from "../../../proxy/core/routing.ts";

const pools = [
  { id: parsePoolId("rest"), routes: [{ host: null, path: "/" }] },
  { id: parsePoolId("shop"), routes: [{ host: null, path: "/shop" }] },
  { id: parsePoolId("cart"), routes: [{ host: null, path: "/shop/cart/" }] },
  { id: parsePoolId("named"), routes: [{ host: "b.example", path: "/" }] },
];

describe("a request goes to the pool", () => {
  it.each([
    ["a.example", "/", "rest"],
    ["a.example", "/shop", "shop"],
    ["a.example", "/shop/x", "shop"],
    ["a.example", "/shopping", "rest"],
    ["a.example", "/shop/cart", "cart"],
    ["a.example", "/shop/cart/1", "cart"],
    ["a.example", "/shop/carts", "shop"],
    ["b.example", "/shop/cart/1", "named"],
    ["", "*", "rest"],
  ])("%s%s → %s: host name first, then the longest path of whole segments", (host, path, pool) => {
    expect(poolOf(pools, host, path)).toBe(pool);
  });

  it("of nobody when no route fits", () => {
    expect(poolOf(pools.slice(1, 3), "a", "/other")).toBeNull();
    expect(poolOf(pools.slice(3), "a", "/")).toBeNull();
  });
});
