/** The order that a message is: everything that proxies know goes into the fence, and nothing that would make it invalid. */
import { expect, test } from "vitest";
import { orderOf } from "../../host/pool-orders.ts";
import type { Seed } from "../../host/core/pool-state.ts";
import { parseNodeId, type OriginId, type RecordId } from "../../shared/ids.ts";
import type { Request } from "../../shared/wire/messages.ts";

const PROXY = parseNodeId("proxy-1");
const seed: Seed = { id: "a".repeat(32) as RecordId, origin: "b".repeat(32) as OriginId, wallMs: 5 };
const request: Request<"promote"> = {
  pool: "main",
  bootId: "0".repeat(32),
  fence: null,
  cause: "refused",
  votes: [{ by: "proxy-1", verdict: "down" }],
};

test("an order of an older proxy has neither phases nor the rest", () => {
  expect(orderOf(request, PROXY, seed)).toEqual({
    reason: "order",
    fence: null,
    orderedBy: PROXY,
    cause: "refused",
    votes: [{ by: "proxy-1", verdict: "down" }],
    seed: seed.id,
    origin: seed.origin,
    wallMs: 5,
  });
});

test("votes keep in whose place and since when, and phases their order", () => {
  const votes = [{ by: "host-b", verdict: "down", standsFor: "proxy-2", seenAtMs: 7 }];
  const order = orderOf({ ...request, votes, phases: { detected: 2, agreed: 1 } }, PROXY, seed);
  expect(order.votes).toEqual(votes);
  expect(Object.entries(order.phases ?? {})).toEqual([
    ["detected", 2],
    ["agreed", 1],
  ]);
});

test("of many phases the first are kept, and what is no number is not", () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`step ${index}`, index]));
  const phases: Record<string, number> = { "a\nb": "soon" as never, ...many };
  const kept = orderOf({ ...request, phases }, PROXY, seed).phases ?? {};
  expect(Object.keys(kept)).toEqual(Array.from({ length: 16 }, (_, index) => `step ${index}`));
});

test("a vote by a name that no node can have is refused", () => {
  const votes = [{ by: "proxy-1", verdict: "down", standsFor: "No Node" }];
  expect(() => orderOf({ ...request, votes }, PROXY, seed)).toThrow(expect.objectContaining({ code: "HS_ID_INVALID" }));
});
