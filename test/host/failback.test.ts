/** The shell of failback: it looks while it serves, forgets when it does not, and is not hasty after a refusal. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Failback } from "../../host/failback.ts";
import { parseNodeId, parsePoolId, type NodeId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { HandClock } from "./hand-clock.ts";

const [A, B] = [parseNodeId("host-a"), parseNodeId("host-b")];
const pool = { id: parsePoolId("main"), serving: true };
let clock: HandClock;
let asked: { to: NodeId; cause: string }[];
let refusal: Error | null;
let preferred: readonly NodeId[];
let failback: Failback;

const start = (self: NodeId): Failback =>
  new Failback({
    self,
    pool,
    preferred: () => preferred,
    handover: {
      fit: async () => [{ host: self === A ? B : A, bootId: "1" }],
      to: async (to, { cause }) => {
        asked.push({ to, cause });
        if (refusal) throw refusal;
        pool.serving = false;
      },
    },
    stableMs: 60_000,
    inMaintenance: () => false,
    clock,
    log: silentLog,
  });

beforeEach(() => {
  clock = new HandClock();
  asked = [];
  refusal = null;
  preferred = [A, B];
  pool.serving = true;
});
afterEach(() => failback.stop());

test("a preferred host that stays fit gets the pool back, once", async () => {
  failback = start(B);
  await clock.pass(58_000);
  expect(asked).toEqual([]);
  await clock.pass(200_000);
  expect(asked).toEqual([{ to: A, cause: "failback: host-a is preferred, and was fit for long enough" }]);
});

test("a refusal is not repeated before that host was fit for as long again", async () => {
  refusal = new Error("it is cold");
  failback = start(B);
  await clock.pass(70_000);
  expect(asked).toHaveLength(1);
  await clock.pass(50_000);
  expect(asked).toHaveLength(1);
  await clock.pass(20_000);
  expect(asked).toHaveLength(2);
});

test("who served before, and serves again, begins anew", async () => {
  failback = start(B);
  await clock.pass(50_000);
  pool.serving = false;
  await clock.pass(10_000);
  pool.serving = true;
  await clock.pass(50_000);
  expect(asked).toEqual([]);
});

test("the order that is preferred changes while it serves: the new one holds", async () => {
  failback = start(A);
  await clock.pass(200_000);
  preferred = [B, A];
  await clock.pass(70_000);
  expect(asked).toMatchObject([{ to: B }]);
});

test("the most preferred one gives nothing away; nor does one that was stopped", async () => {
  failback = start(A);
  await clock.pass(600_000);
  failback = start(B);
  failback.stop();
  await clock.pass(600_000);
  expect(asked).toEqual([]);
});
