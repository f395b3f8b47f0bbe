import { describe, expect, it } from "vitest";
import { ControlState, writeTick } from "../../host/control-state.ts";
import type { HostIdentity } from "../../host/control-link.ts";
import { HOST, HOST_BOOT, PROXY } from "../shared/wire/nodes.ts";
import { CONTROL_TUNING } from "./control-options.ts";
import { POOL, STANDBY } from "./control-report.ts";

const IDENTITY: HostIdentity = {
  host: HOST,
  bootId: HOST_BOOT,
  vaultId: null,
  version: "0.1.0",
};

function state(startedMs: number) {
  const tick = new BigInt64Array(new SharedArrayBuffer(8));
  writeTick(tick, startedMs);
  const options = { identity: IDENTITY, tick, startedMs, tuning: CONTROL_TUNING, onQuarantine: () => undefined };
  return { tick, state: new ControlState(options) };
}

it("how the host stands to its configuration is said as it is now, and what follows from it holds at once", () => {
  const { state: known } = state(0);
  expect(known.report(0)).toMatchObject({ configHash: "c", candidate: true, configProblem: null, pendingRestart: [] });
  const standing = {
    configHash: "d",
    candidate: false,
    configProblem: "line 3",
    pendingRestart: ["hosts[host-a].data"],
  };
  known.configure({ ...CONTROL_TUNING, stalledMs: 5, standing });
  expect(known.report(0)).toMatchObject(standing);
  expect(known.tuning.stalledMs).toBe(5);
});

describe("what the control thread knows of a main thread that has stopped", () => {
  it("the age of its last tick grows", () => {
    const { tick, state: known } = state(1000);
    expect(known.report(1250.5).mainTickAgeMs).toBe(250.5);
    writeTick(tick, 1200);
    expect(known.report(1250).mainTickAgeMs).toBe(50);
    expect(known.report(1100).mainTickAgeMs).toBe(0);
  });

  it("a standby falls behind, a primary does not", () => {
    const { state: known } = state(0);
    known.setPools([POOL, STANDBY], 1000);
    expect(known.report(1500).pools.map(({ lagMs }) => lagMs)).toEqual([0, 900]);
    known.setPools([{ ...STANDBY, lagMs: 0 }], 1600);
    expect(known.report(1600).pools[0]?.lagMs).toBe(0);
  });

  it("the last good probe of the vault ages", () => {
    const { state: known } = state(0);
    expect(known.report(100).probe).toEqual({ ok: false, latencyMs: 0, ageMs: 100 });
    known.setProbe({ ok: true, ageMs: 40, latencyMs: 3 }, 200);
    expect(known.report(300).probe).toEqual({ ok: true, latencyMs: 3, ageMs: 140 });
    known.setProbe({ ok: false, ageMs: 1000, latencyMs: 3 }, 1200);
    expect(known.report(1300).probe).toEqual({ ok: false, latencyMs: 3, ageMs: 1100 });
  });
});

it("a quarantine ends by itself when nobody speaks of the clock any more, also if nobody asks in a heartbeat", () => {
  const { state: known } = state(0);
  const quarantined = (nowMs: number): boolean => (known.report(nowMs).quarantined ?? null) !== null;
  for (let nowMs = 0; nowMs <= 1000; nowMs += 250) known.hearClock(PROXY, { offsetMs: 900, errorMs: 2 }, nowMs);
  expect([...known.clockDeviations().keys()]).toEqual([PROXY]);
  expect([quarantined(1000), quarantined(7000), quarantined(11_500), quarantined(12_000)]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(known.clockDeviations().size).toBe(0);
});
