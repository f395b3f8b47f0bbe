import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Parking } from "../../../proxy/core/parking.ts";
import type { ProxyEvent } from "../../../proxy/core/proxy-event.ts";
import { bootOf, fence, HOSTS, MAIN, report, RULES, World } from "./world.ts";

const host = fc.constantFrom(...HOSTS);
const kind = fc.constantFrom("refused", "reset", "timeout", "unreachable", "rejected", "invalid" as const);

/** Anything that can happen, in any order, late or early. */
const event = fc.oneof(
  fc
    .record({
      host,
      owner: host,
      epoch: fc.nat(6),
      serving: fc.boolean(),
      agoMs: fc.nat(2000),
      role: fc.constantFrom("standby", "primary", "fenced"),
    })
    .map(({ host, owner, epoch, serving, agoMs, role }) => ({
      type: "heard" as const,
      host,
      owner,
      epoch,
      serving,
      agoMs,
      role,
    })),
  fc.record({ type: fc.constant("failed" as const), host, kind, agoMs: fc.nat(500) }),
  fc.record({
    type: fc.constant("order" as const),
    host,
    outcome: fc.constantFrom("serving", "refused", "accepted"),
    epoch: fc.nat(6),
  }),
  fc.record({ type: fc.constant("pause" as const), ms: fc.nat(3000) }),
  fc.record({ type: fc.constant("configure" as const), hosts: fc.subarray([...HOSTS], { minLength: 1 }) }),
);

type Made = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** It happens to the world. */
function happen(world: World, made: Made): void {
  if (made.type === "pause") world.nowMs += made.ms;
  if (made.type !== "configure") return void world.tell(eventOf(made, world.nowMs));
  const { hosts } = made;
  world.configure({ hosts, pools: RULES.pools.map((pool) => ({ ...pool, candidates: hosts, preferred: hosts })) });
}

function eventOf(made: Exclude<Made, { type: "configure" }>, nowMs: number): ProxyEvent {
  switch (made.type) {
    case "heard": {
      const known = made.epoch === 0 ? null : fence(made.owner, made.epoch);
      const body = report(made.host, { fence: known, serving: made.serving, role: made.role });
      return { type: "probeAnswered", host: made.host, sentMs: nowMs - made.agoMs, report: body };
    }
    case "failed":
      return { type: "probeFailed", host: made.host, sentMs: nowMs - made.agoMs, kind: made.kind };
    case "order": {
      const known = made.epoch === 0 ? null : fence(made.host, made.epoch);
      const answer = { outcome: made.outcome, reason: "", fence: known, phases: {} };
      return { type: "orderAnswered", pool: MAIN, host: made.host, sentMs: nowMs, answer };
    }
    case "pause":
      return { type: "tick" };
  }
}

describe("I11", () => {
  it("a pool's epoch never goes down, and a route's epoch is the newest one that serves, whatever is heard in any order", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const world = new World();
        let newest = 0;
        for (const made of events) {
          happen(world, made);
          const { epoch, claim } = world.view();
          expect(epoch).toBeGreaterThanOrEqual(newest);
          newest = epoch;
          expect(claim?.fence.epoch ?? 0).toBe(epoch);
          if (claim) expect(claim.fence).toMatchObject({ owner: claim.host, bootId: bootOf(claim.host) });
          const route = world.state.routes.get(MAIN);
          if (route) expect(route).toEqual({ host: claim?.host, epoch });
          if (route) expect(world.rules.hosts).toContain(route.host);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("an order never goes to a host that is down, and there is one at a time", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const world = new World();
        for (const made of events) {
          world.effects = [];
          happen(world, made);
          const orders = world.effects.flatMap((effect) => (effect.type === "promote" ? [effect.order] : []));
          expect(orders.length).toBeLessThanOrEqual(1);
          for (const order of orders) {
            expect(world.rules.hosts).toContain(order.host);
            expect(world.verdict(order.host)).not.toMatch(/^down/);
            expect(order.fence).toBe(world.view().fence?.id ?? null);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("parked requests and bytes stay within bounds, leave once, and go in the order in which they came", () => {
    const action = fc.oneof(
      fc.record({ type: fc.constant("park" as const), bytes: fc.nat(40), waitMs: fc.nat(50) }),
      fc.record({ type: fc.constant("leave" as const), item: fc.nat(60) }),
      fc.record({ type: fc.constant("release" as const), count: fc.nat(5) }),
      fc.record({ type: fc.constant("expire" as const), ms: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const parking = new Parking<number>({ requests: 5, bytes: 100 });
        const inside = new Map<number, number>();
        let next = 0;
        let nowMs = 0;
        const gone = (item: number): void => expect(inside.delete(item)).toBe(true);
        for (const made of actions) {
          if (made.type === "park") {
            const { bytes } = made;
            const fits = inside.size < 5 && [...inside.values()].reduce((a, b) => a + b, bytes) <= 100;
            expect(parking.park({ item: next, bytes, sinceMs: nowMs, untilMs: nowMs + made.waitMs })).toBe(fits);
            if (fits) inside.set(next, bytes);
            next += 1;
          } else if (made.type === "leave") {
            expect(parking.leave(made.item)).toBe(inside.delete(made.item));
          } else if (made.type === "release") {
            const expected = [...inside.keys()].slice(0, made.count);
            const released = parking.release(made.count).map(({ item }) => item);
            expect(released).toEqual(expected);
            released.forEach(gone);
          } else {
            nowMs += made.ms;
            for (const { item, untilMs } of parking.expire(nowMs)) {
              expect(untilMs).toBeLessThanOrEqual(nowMs);
              gone(item);
            }
          }
          expect(parking.count).toBe(inside.size);
          expect(parking.bytes).toBe([...inside.values()].reduce((a, b) => a + b, 0));
        }
      }),
    );
  });
});
