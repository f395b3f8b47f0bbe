/** A standby that is asked for its vote: a vault in memory, hosts that answer or do not, a clock that is moved by hand. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeHostHint } from "../../shared/checkpoint/host-hint.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Sending } from "../../shared/wire/message-client.ts";
import type { Answer } from "../../shared/wire/messages.ts";
import type { PoolState } from "../../host/core/pool-state.ts";
import type { PeerResult } from "../../host/host-parts.ts";
import { voteWaitMs, Voting } from "../../host/voting.ts";
import { FaultyVault } from "../faulty-vault.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { TUNING } from "../tuning.ts";
import { POOL } from "./cluster.ts";
import { headAt, history, PoolScript, SELF } from "./core/pool-script.ts";
import { POOL as ENTRY, reportOf } from "./control-report.ts";
import { HandClock } from "./hand-clock.ts";

const OWNER = parseNodeId("host-a");
const BOUND_MS = 2500;
const head = headAt(history(3), 3);
const { fence } = head;

let clock: HandClock;
let vault: FaultyVault;
let voting: Voting;
/** What the owner answers to each heartbeat; `null`: nothing, up to the time-out. */
let answers: (PeerResult<"heartbeat"> | null)[];
let asked: number;
let state: PoolState;
let probeOk: boolean;
let ticks: number;

const refused: PeerResult<"heartbeat"> = { type: "failed", kind: "refused", reason: "ECONNREFUSED" };
const rejected: PeerResult<"heartbeat"> = { type: "failed", kind: "rejected", reason: "another secret" };
const serving = (changes: Partial<typeof ENTRY> = {}): PeerResult<"heartbeat"> => {
  const report = { ...reportOf([{ ...ENTRY, fence, ...changes }]), bootId: fence.bootId };
  return { type: "answer", answer: { report, originMs: 0, receivedMs: 0, sentMs: 0 } };
};

/** Moves on until the test ends, as the owner's main thread does; or stands still. */
async function write(): Promise<void> {
  ticks += 1;
  const pools = [{ pool: POOL, role: "primary", slot: 3, lsn: 2, stateHashes: [], restored: [] }];
  await writeHostHint(vault, { host: OWNER, bootId: fence.bootId, version: "test", tick: ticks, wallMs: 0, pools });
}

async function writeFor(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1000) {
    await write();
    await clock.pass(1000);
  }
}

/** As a pool that finds itself at the head again and again. */
const follow = (): void => {
  state = { ...state, atHeadMs: clock.monotonicMs() };
  clock.after(100, follow);
};

async function send(_: "heartbeat", sending: Sending<"heartbeat">): Promise<PeerResult<"heartbeat">> {
  asked += 1;
  const { to, timeoutMs, body } = sending;
  expect([to, body.bootId]).toEqual([OWNER, null]);
  const answer = answers.shift() ?? null;
  if (answer) return answer;
  await new Promise<void>((resolve) => void clock.after(timeoutMs, resolve));
  return { type: "failed", kind: "timeout", reason: "silent" };
}

/** The answer, and how long it took. */
async function vote(about: string | null = fence.id): Promise<Answer<"vote"> & { readonly tookMs: number }> {
  const beganMs = clock.monotonicMs();
  let tookMs = 0;
  const voted = voting.vote(pool, about).finally(() => (tookMs = clock.monotonicMs() - beganMs));
  await clock.pass(1000);
  return { ...(await voted), tookMs };
}

const pool = {
  id: POOL,
  get state() {
    return state;
  },
};

beforeEach(async () => {
  clock = new HandClock();
  vault = new FaultyVault(new MemoryVault({ random: seededRandom(1) }));
  [answers, asked, probeOk, ticks] = [[], 0, true, 0];
  state = PoolScript.standby(head).state;
  follow();
  voting = new Voting({
    self: SELF,
    hosts: () => [
      { id: OWNER, control: { host: "10.0.0.1", port: 1 } },
      { id: SELF, control: { host: "10.0.0.2", port: 1 } },
    ],
    health: () => TUNING.health,
    pools: [pool],
    vault,
    probe: {
      report: () => ({ ok: probeOk, ageMs: 0, latencyMs: 1, reason: null, distrusted: false }),
    },
    client: { send },
    clock,
  });
  await writeFor(3000);
});
afterEach(() => voting.stop());

describe("a standby", () => {
  test("whose owner's file moves says `alive` without asking it, also where it could not reach it", async () => {
    expect(await vote()).toMatchObject({ verdict: "alive", reason: "the file of host-a moves", tookMs: 0 });
    expect(asked).toBe(0);
  });

  test("says `down` of an owner that is silent, after the bound and not before", async () => {
    const verdicts = new Map<number, string>();
    for (let passedMs = 0; passedMs <= 5000; passedMs += 1000) {
      const { verdict, tookMs } = await vote();
      verdicts.set(passedMs, verdict);
      expect(tookMs).toBeLessThan(2 * TUNING.health.timeoutMs + 100);
    }
    const at = [...verdicts].find(([, verdict]) => verdict === "down")?.[0] ?? 0;
    expect(at).toBeGreaterThanOrEqual(BOUND_MS - 1000);
    expect([...verdicts].filter(([passedMs]) => passedMs < at).every(([, verdict]) => verdict === "alive")).toBe(true);
    expect([...verdicts].filter(([passedMs]) => passedMs >= at).every(([, verdict]) => verdict === "down")).toBe(true);
  });

  test("asks twice where it is refused, within its time, and once where nobody answers", async () => {
    await clock.pass(2 * BOUND_MS);
    answers = [refused, null];
    const refusedOnce = await vote();
    expect(refusedOnce).toMatchObject({ verdict: "down", reason: "host-a: it does not answer: timeout: silent" });
    expect(refusedOnce.tookMs).toBe(TUNING.health.timeoutMs + 20);
    expect(refusedOnce.tookMs).toBeLessThan(voteWaitMs(TUNING.health));
    expect(asked).toBe(2);
    expect(await vote()).toMatchObject({ verdict: "down", tookMs: TUNING.health.timeoutMs });
    expect(asked).toBe(3);
  });

  test("whose second try is answered, as after a restart, goes by the answer", async () => {
    await clock.pass(2 * BOUND_MS);
    answers = [refused, serving()];
    expect(await vote()).toMatchObject({ verdict: "alive", reason: "host-a: it answers that it serves", tookMs: 20 });
  });

  test("that is refused by an owner that talks says that it cannot say", async () => {
    await clock.pass(2 * BOUND_MS);
    answers = [rejected];
    expect(await vote()).toMatchObject({ verdict: "unsure", reason: "host-a: rejected: another secret" });
  });

  test("is asked by many at once, and asks the owner once", async () => {
    await clock.pass(2 * BOUND_MS);
    const voted = Promise.all([1, 2, 3].map(() => voting.vote(pool, fence.id)));
    await clock.pass(1000);
    expect((await voted).map(({ verdict }) => verdict)).toEqual(["down", "down", "down"]);
    expect(asked).toBe(1);
  });

  test("whose owner writes while it is being asked says `alive`", async () => {
    // Just before the next look, which comes before the owner's time to answer is over.
    await clock.pass(2 * BOUND_MS + 400);
    clock.after(50, () => void write());
    expect(await vote()).toMatchObject({ verdict: "alive", reason: "the file of host-a moves" });
    expect(asked).toBe(1);
  });

  test("that was paused has seen nothing, and looks for the whole bound anew", async () => {
    await clock.pass(2 * BOUND_MS);
    expect((await vote()).verdict).toBe("down");
    await clock.sleep(60_000);
    expect((await vote()).verdict).toBe("unsure");
    await clock.pass(BOUND_MS);
    expect((await vote()).verdict).toBe("down");
  });

  test("that cannot read the vault is no judge, and looks anew when it can", async () => {
    await clock.pass(2 * BOUND_MS);
    vault.always("get", { type: "EIO" });
    await clock.pass(500);
    expect((await vote()).verdict).toBe("unsure");
    expect(asked).toBe(0);
    vault.heal();
    await clock.pass(500);
    expect((await vote()).verdict).toBe("unsure");
    await clock.pass(BOUND_MS);
    expect((await vote()).verdict).toBe("down");
  });

  test("whose read hangs does not read again meanwhile, and is no judge", async () => {
    await clock.pass(2 * BOUND_MS);
    vault.once("get", { type: "hang" });
    const reads = (): number => vault.calls.filter((call) => call.startsWith("get hosts/")).length;
    await clock.pass(500);
    const before = reads();
    await clock.pass(2 * BOUND_MS);
    expect(reads()).toBe(before);
    expect((await vote()).verdict).toBe("unsure");
    expect(asked).toBe(0);
    vault.heal();
  });

  test("whose file of the owner is not there, or is nonsense, is no judge", async () => {
    await clock.pass(2 * BOUND_MS);
    await vault.hint("hosts/host-a.json" as Parameters<typeof vault.hint>[0], Buffer.from("{"));
    await clock.pass(2 * BOUND_MS);
    expect(await vote()).toMatchObject({ verdict: "unsure", reason: "the file of host-a cannot be read" });
  });

  test("whose own write probe fails is no judge", async () => {
    await clock.pass(2 * BOUND_MS);
    probeOk = false;
    expect((await vote()).verdict).toBe("unsure");
    expect(asked).toBe(0);
  });

  test("reads nothing once it is not a standby, and begins anew when it is one again", async () => {
    await clock.pass(2 * BOUND_MS);
    const standby = state;
    state = { ...standby, phase: { type: "fenced", reason: "test", sick: false } };
    await clock.pass(500);
    const before = vault.calls.length;
    await clock.pass(BOUND_MS);
    expect(vault.calls.length).toBe(before);
    state = { ...standby, atHeadMs: clock.monotonicMs() };
    await clock.pass(500);
    expect((await vote()).verdict).toBe("unsure");
  });

  test("of an owner that is not configured any more goes by the vault alone", async () => {
    const other = headAt(history(3, "host-z"), 3);
    state = { ...state, applied: other, newestFence: other.fence };
    const hint = { host: "host-z", bootId: other.fence.bootId, version: "test", tick: 1, wallMs: 0, pools: [] };
    await writeHostHint(vault, hint);
    await clock.pass(2 * BOUND_MS);
    expect(await vote(other.fence.id)).toMatchObject({
      verdict: "down",
      reason: "host-z: it does not answer: it is not configured",
    });
    expect(asked).toBe(0);
  });

  test("that stops asks nobody and reads nothing any more", async () => {
    await clock.pass(2 * BOUND_MS);
    voting.stop();
    const before = vault.calls.length;
    expect(await vote()).toMatchObject({ verdict: "unsure", reason: "host-a: aborted: this host stops" });
    await clock.pass(BOUND_MS);
    expect([asked, vault.calls.length]).toEqual([0, before]);
  });
});
