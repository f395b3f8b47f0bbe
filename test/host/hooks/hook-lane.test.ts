/** A hook that fails, hangs or is slow: what it is told, how often, and what it is not told. */
import { beforeEach, describe, expect, it } from "vitest";
import type { HookOutcome } from "../../../host/hooks/hook-call.ts";
import { HookLane, MOST_WAITING } from "../../../host/hooks/hook-lane.ts";
import type { HookAction, HookMoment } from "../../../shared/config/config.ts";
import { silentLog } from "../../../shared/log.ts";
import { HandClock } from "../hand-clock.ts";
import { EVENT } from "./hook-event.ts";

const COMMAND: HookAction = { type: "command", command: ["true"] };
const WEBHOOK: HookAction = { type: "webhook", url: "https://example.org", secret: { env: "KEY" } };
const DONE: HookOutcome = { type: "done", output: "" };
const FAILED: HookOutcome = { type: "failed", reason: "it answered 503", output: "" };

let clock: HandClock;
let abort: AbortController;
let calls: { readonly event: HookMoment; readonly id: string; readonly atMs: number }[];
let logged: string[];
let ids = 0;
beforeEach(() => {
  [clock, abort, calls, logged, ids] = [new HandClock(), new AbortController(), [], [], 0];
});

function lane(action: HookAction, outcome: () => HookOutcome | Promise<HookOutcome>): HookLane {
  return new HookLane({
    hook: { name: "hooks[0]", on: ["primary"], action, timeoutMs: 1000, pools: null },
    call: async (event, id) => {
      calls.push({ event: event.event, id, atMs: clock.monotonicMs() });
      return outcome();
    },
    newId: () => `msg_${(ids += 1)}`,
    clock,
    log: { ...silentLog, warn: (fields, message) => void logged.push(`${message}: ${JSON.stringify(fields)}`) },
    signal: abort.signal,
  });
}

const told = (): HookMoment[] => calls.map(({ event }) => event);

describe("a hook", () => {
  it("hears of changes one after the other, though it is slower than they are", async () => {
    let end: (outcome: HookOutcome) => void = () => undefined;
    const slow = lane(COMMAND, () => new Promise((resolve) => (end = resolve)));
    slow.add({ ...EVENT, event: "primary" });
    slow.add({ ...EVENT, event: "fenced" });
    await clock.pass(60_000);
    expect(told()).toEqual(["primary"]);
    end(DONE);
    await clock.pass(0);
    expect(told()).toEqual(["primary", "fenced"]);
    end(DONE);
    await slow.rest();
    slow.add({ ...EVENT, event: "standby" });
    await clock.pass(0);
    expect(told()).toEqual(["primary", "fenced", "standby"]);
  });

  it("holds up nothing: it is called only after what happens at this moment", () => {
    lane(COMMAND, () => DONE).add(EVENT);
    expect(calls).toEqual([]);
  });

  it("that is a webhook is tried again a few times, as the same message, then given up and told", async () => {
    lane(WEBHOOK, () => FAILED).add({ ...EVENT, event: "primary" });
    await clock.pass(600_000);
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 1000, 6000, 31_000]);
    expect(new Set(calls.map(({ id }) => id))).toEqual(new Set(["msg_1"]));
    expect(logged).toEqual(['a hook failed: {"hook":"hooks[0]","event":"primary","reason":"it answered 503"}']);
  });

  it("that is a webhook is not tried again once it was reached", async () => {
    lane(WEBHOOK, () => (calls.length < 2 ? FAILED : DONE)).add(EVENT);
    await clock.pass(600_000);
    expect(calls).toHaveLength(2);
    expect(logged).toEqual([]);
  });

  it("that is a command is not run twice", async () => {
    lane(COMMAND, () => FAILED).add(EVENT);
    await clock.pass(600_000);
    expect(calls).toHaveLength(1);
    expect(logged).toHaveLength(1);
  });

  it("that hangs makes no queue without end: the oldest changes are skipped, which is told", async () => {
    const stuck = lane(COMMAND, () => new Promise(() => undefined));
    stuck.add({ ...EVENT, event: "primary" });
    await clock.pass(0);
    for (let n = 0; n < MOST_WAITING + 2; n += 1) stuck.add({ ...EVENT, event: n < 2 ? "fenced" : "standby" });
    const line = 'a hook was not called: {"hook":"hooks[0]","event":"fenced","reason":"too many changes wait for it"}';
    expect(logged).toEqual([line, line]);
  });

  it("is not waited for, nor called, once the host's time to stop is up", async () => {
    const away = lane(WEBHOOK, () => FAILED);
    away.add({ ...EVENT, event: "primary" });
    away.add({ ...EVENT, event: "fenced" });
    await clock.pass(500);
    abort.abort(new Error("the host stops"));
    await away.rest();
    away.add({ ...EVENT, event: "standby" });
    expect(calls).toHaveLength(1);
    expect(logged.map((line) => line.split(":")[0])).toEqual([
      "a hook failed",
      "a hook was not called",
      "a hook was not called",
    ]);
  });
});
