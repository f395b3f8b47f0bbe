import { describe, expect, it } from "vitest";
import { probe, type ProbeName, type ProbeQuery } from "../../host/control-probe.ts";
import type { PoolReport } from "../../shared/wire/reports.ts";
import { POOL, reportOf, STANDBY } from "./control-report.ts";

const status = (pools: PoolReport[], name: ProbeName, query: ProbeQuery = {}, tickAgeMs = 1) =>
  probe(reportOf(pools, tickAgeMs), { name, query, stalledMs: 100 }).status;

describe("probes", () => {
  const taking: PoolReport = { ...STANDBY, role: "taking-over" };
  const claiming: PoolReport = { ...POOL, serving: false };
  const restoring: PoolReport = { ...STANDBY, role: "restoring" };
  const fenced: PoolReport = { ...STANDBY, role: "fenced" };
  const offline: PoolReport = { ...STANDBY, role: "offline" };
  const alarmed: PoolReport = { ...STANDBY, alarm: "HS_RECORD_INVALID" };

  it.each([
    //                          live health ready primary standby
    ["a serving primary", POOL, 200, 200, 200, 200, 503],
    ["a primary that does not serve yet", claiming, 200, 200, 503, 503, 503],
    ["a standby", STANDBY, 200, 200, 200, 503, 200],
    ["a standby with an alarm", alarmed, 200, 503, 503, 503, 200],
    ["taking over", taking, 200, 200, 503, 503, 503],
    ["restoring", restoring, 200, 200, 503, 503, 503],
    ["fenced", fenced, 200, 200, 503, 503, 503],
    ["offline", offline, 200, 200, 503, 503, 503],
  ])("%s", (_, pool, live, health, ready, primary, standby) => {
    expect({
      live: status([pool], "live"),
      health: status([pool], "health"),
      ready: status([pool], "ready"),
      primary: status([pool], "primary"),
      standby: status([pool], "standby"),
    }).toEqual({ live, health, ready, primary, standby });
  });

  it.each(["live", "health", "ready", "primary", "standby"] as const)(
    "/%s fails while the main thread stands still",
    (name) => {
      expect(status([POOL], name, {}, 101)).toBe(503);
      expect(status([STANDBY], name, {}, 101)).toBe(503);
    },
  );

  it.each([
    ["500", 200],
    ["400ms", 200],
    ["399ms", 503],
    ["1s", 200],
    ["0", 503],
    ["-1", 503],
    ["much", 503],
    [["500", "500"], 503],
  ])("a standby 400 ms behind asked with lag=%s: %i", (lag, expected) => {
    expect(status([STANDBY], "standby", { lag })).toBe(expected);
  });

  it("without a pool it must hold for all of them, with one for that one", () => {
    const other = { ...STANDBY, pool: "other" };
    expect(status([POOL, other], "primary")).toBe(503);
    expect(status([POOL, other], "primary", { pool: "main" })).toBe(200);
    expect(status([POOL, other], "standby", { pool: "other" })).toBe(200);
    expect(status([POOL, other], "primary", { pool: "absent" })).toBe(503);
    expect(status([POOL], "primary", { pool: ["main", "main"] })).toBe(503);
  });

  it("before the first report only /live holds", () => {
    expect(status([], "live")).toBe(200);
    expect(status([], "ready")).toBe(503);
  });

  it("the body says role, epoch, slot and lag, and why not", () => {
    const { body } = probe(reportOf([STANDBY]), { name: "primary", query: {}, stalledMs: 100 });
    expect(body).toMatchObject({ role: "standby", epoch: 3, slot: 12, lagMs: 400, reason: "pool main: it is standby" });
    const two = probe(reportOf([POOL, STANDBY]), { name: "live", query: {}, stalledMs: 100 });
    expect(two.body.pools).toHaveLength(2);
    expect(two.body.role).toBeUndefined();
  });
});
