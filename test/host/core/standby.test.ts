/** Following and restoring; and when a host begins by itself. */
import { describe, expect, test } from "vitest";
import type { BootId } from "../../../shared/ids.ts";
import type { Role } from "../../../shared/wire/role.ts";
import type { Tenure } from "../../../host/core/pool-state.ts";
import { mayBecome } from "../../../host/core/role.ts";
import type { Chain } from "../../shared/journal/records.ts";
import { reportOf } from "../../../host/pool-report.ts";
import { headAt, history, PoolScript, SELF } from "./pool-script.ts";

/** A standby at `applied`, whose first listing is awaited. */
function following(chain: Chain, applied: number): PoolScript {
  const script = PoolScript.standby(headAt(chain, applied));
  script.tick();
  return script;
}

/** The same listing, as often as it takes to be believed. */
function insists(script: PoolScript, slots: readonly number[], checkpoints: readonly number[] = []): void {
  for (let tries = 0; tries < 3; tries += 1) script.surveyed(slots, checkpoints);
}

describe("following", () => {
  test("lists, reads what was listed, applies, and lists again where there was more", () => {
    const chain = history(5);
    const script = following(chain, 2);
    script.surveyed([2, 3, 4]);
    expect(script.asked("read")).toMatchObject({ from: 3, to: 4 });
    script.readFrom(chain);
    script.applied();
    expect(script.state.applied?.slot).toBe(4);
    script.tick(1_000);
    script.surveyed([4, 5]);
    script.readFrom(chain);
    script.applied();
    expect(script.state.applied).toEqual(chain.head);
  });

  test("a journal that never rests: its lag is the age of the last listing that it has whole", () => {
    const chain = history(9);
    const script = following(chain, 2);
    const lagMs = (): number => reportOf(script.state, 0, script.now).lagMs;
    script.surveyed([2, 3, 4]);
    script.now += 7;
    script.readFrom(chain);
    expect(lagMs()).toBe(Number.MAX_SAFE_INTEGER);
    script.now += 5;
    script.applied();
    expect(lagMs()).toBe(12);
    script.tick(1_000);
    script.surveyed([4, 5, 6]);
    script.readFrom(chain);
    script.now += 3;
    script.applied();
    expect(lagMs()).toBe(3);
  });

  test("a hint makes it look at once, and only when it is idle", () => {
    const script = following(history(3), 3);
    script.send({ type: "hint" });
    expect(script.effects).toEqual([]);
    const idle = following(history(3), 3);
    idle.surveyed([3]);
    idle.send({ type: "hint" });
    expect(idle.asked("survey").from).toBe(3);
  });

  test("a listed record that is gone or cannot be read: listed again after a while, no alarm", () => {
    const script = following(history(3), 2);
    script.surveyed([2, 3]);
    script.read([], { type: "absent" });
    expect(script.state).toMatchObject({ alarm: null, phase: { type: "standby" } });
    script.tick(1_000);
    expect(script.asked("survey")).toBeDefined();
  });

  test("late: believed after three listings, and only a checkpoint beyond helps", () => {
    const script = following(history(3), 3);
    script.surveyed([3], [9]);
    expect(script.phase).toBe("standby");
    script.surveyed([3], [9]);
    script.surveyed([3], [9]);
    expect(script.asked("restore")).toMatchObject({ atLeast: 4, aside: null });
  });

  test("a void fence: believed after three listings, then the host restores", () => {
    const chain = history(3);
    const fence = chain.fence("host-c");
    const script = following(chain, 3);
    for (let tries = 0; tries < 3; tries += 1) {
      script.surveyed([3, 4], [9]);
      script.read([fence]);
    }
    expect(script.asked("restore")).toMatchObject({ atLeast: 4, aside: null });
    expect(script.state.applied?.slot).toBe(3);
  });

  test("a last fence is applied only after a listing that was made when it had been read", () => {
    const chain = history(3);
    chain.fence("host-c");
    const script = following(chain, 3);
    script.surveyed([3, 4]);
    script.readFrom(chain);
    expect(script.state.applied?.slot).toBe(3);
    script.surveyed([3, 4]);
    script.readFrom(chain);
    script.applied();
    expect(script.state.applied?.slot).toBe(4);
  });

  test("a host that slept between listing and reading does not apply a void fence that came in between", () => {
    const chain = history(3);
    const relic = chain.fence("host-c");
    const script = following(history(3), 3);
    script.surveyed([3, 4]);
    script.read([relic]);
    for (let tries = 0; tries < 3; tries += 1) {
      script.surveyed([3, 4], [9]);
      if (script.effects.some(({ type }) => type === "read")) script.read([relic]);
    }
    expect(script.state.applied?.slot).toBe(3);
    expect(script.phase).toBe("restoring");
  });

  test("a record is missing: an alarm after three listings, nothing is skipped", () => {
    const script = following(history(5), 3);
    insists(script, [3, 5]);
    expect(script.state).toMatchObject({ alarm: { code: "HS_RECORD_MISSING", slot: 4 }, applied: { slot: 3 } });
  });

  test("the missing record shows after all: the alarm ends", () => {
    const chain = history(5);
    const script = following(chain, 3);
    insists(script, [3, 5]);
    script.tick(1_000);
    script.surveyed([3, 4, 5]);
    script.readFrom(chain);
    script.applied();
    expect(script.state.alarm).toBeNull();
  });

  test("a result of a call that is no longer awaited changes nothing", () => {
    const script = following(history(3), 2);
    const { state } = script;
    script.send({ type: "read", call: 99, run: { records: [], stop: null } });
    script.send({ type: "applied", call: 99, head: null, failure: null });
    expect(script.state).toBe(state);
  });
});

describe("divergence: first the own copy is suspected, then the record", () => {
  function diverges(script: PoolScript, chain: Chain): void {
    script.surveyed([2, 3, 4]);
    script.readFrom(chain);
    script.failsToApply(headAt(chain, 2));
  }

  test("the first time the copy is set aside and restored", () => {
    const chain = history(4);
    const script = following(chain, 2);
    diverges(script, chain);
    expect(script.asked("restore")).toMatchObject({ atLeast: null, aside: "it does not apply" });
  });

  test("no checkpoint: the journal is followed from its beginning", () => {
    const chain = history(4);
    const script = following(chain, 2);
    diverges(script, chain);
    script.restored({ type: "none", head: null, reason: "none" });
    expect(script.state.applied).toBeNull();
    expect(script.asked("survey").from).toBe(1);
  });

  function stuck(): { script: PoolScript; chain: Chain } {
    const chain = history(8);
    const script = following(chain, 2);
    diverges(script, chain);
    script.restored({ type: "restored", head: headAt(chain, 2) });
    diverges(script, chain);
    return { script, chain };
  }

  test("the second time, at the same record: stuck, with an alarm", () => {
    const { script } = stuck();
    expect(script.state.alarm).toMatchObject({ code: "HS_POOL_STUCK", slot: 3 });
  });

  test("stuck: that record is never replayed, however often it is listed", () => {
    const { script } = stuck();
    for (let tries = 0; tries < 5; tries += 1) {
      script.tick(1_000);
      script.surveyed([2, 3, 4, 5], [2]);
      expect(script.effects).toEqual([]);
    }
  });

  test("stuck: restores from a checkpoint at that record or beyond, and goes on", () => {
    const { script, chain } = stuck();
    script.tick(1_000);
    script.surveyed([2, 3, 4, 5], [5]);
    expect(script.asked("restore").atLeast).toBe(3);
    script.restored({ type: "restored", head: headAt(chain, 5) });
    expect(script.state).toMatchObject({ alarm: null, failedSlot: null, applied: { slot: 5 } });
  });

  test.each([
    ["none", { type: "none", head: null, reason: "gone" }],
    ["failed", { type: "failed", code: "HS_VAULT_IO", reason: "EIO" }],
  ] as const)("stuck: a restore that ends in %s leaves it stuck, and replays nothing", (_, result) => {
    const { script, chain } = stuck();
    script.tick(1_000);
    script.surveyed([2, 3, 4, 5], [5]);
    script.restored(result.type === "none" ? { ...result, head: headAt(chain, 2) } : result);
    expect(script.state.alarm?.code).toBe("HS_POOL_STUCK");
    script.tick(1_000);
    script.surveyed([2, 3, 4, 5], [2]);
    expect(script.effects).toEqual([]);
  });

  test("a stuck host refuses to take over", () => {
    const { script, chain } = stuck();
    const ticket = script.ordered(headAt(chain, 2).fence.id);
    expect(script.answerTo(ticket)?.outcome).toBe("refused");
  });

  test("a record that is invalid in several fresh reads: stuck, and nothing is suspected of the own copy", () => {
    const script = following(history(4), 2);
    script.surveyed([2, 3]);
    for (let reads = 0; reads < 5; reads += 1) script.read([], { type: "invalid", reason: "checksum" });
    expect(script.state.alarm).toMatchObject({ code: "HS_POOL_STUCK", slot: 3 });
  });

  test("a record of another history: the copy is set aside", () => {
    const other = history(2);
    other.fence("host-z");
    other.batch();
    const script = following(history(3), 3);
    script.surveyed([3, 4]);
    script.read([other.records[3]!]);
    expect(script.asked("restore").aside).not.toBeNull();
  });
});

describe("a host begins by itself", () => {
  /** A history whose newest fence is this host's, of another life. */
  function own(last = 3): Chain {
    return history(last, SELF);
  }

  function atHead(script: PoolScript, chain: Chain | null): PoolScript {
    script.tick();
    script.surveyed(chain?.head ? [chain.head.slot] : []);
    return script;
  }

  const tenure = (chain: Chain, changes: Partial<Tenure> = {}): Tenure => ({
    fence: chain.head!.fence.id,
    reason: "start",
    stable: false,
    ...changes,
  });

  function started(chain: Chain | null, lastTenure: Tenure | null, settings = {}): PoolScript {
    const script = new PoolScript(settings);
    script.started(chain?.head ?? null, lastTenure);
    return atHead(script, chain);
  }

  test.each<[string, (chain: Chain) => Tenure | null]>([
    ["the owner of the newest fence, by an order", (chain) => tenure(chain, { reason: "order" })],
    ["the owner, by itself and stable", (chain) => tenure(chain, { stable: true })],
    ["the owner, whose own disk knows nothing of it", () => null],
  ])("%s: takes over at once when it is at the head", (_, last) => {
    const chain = own();
    const script = started(chain, last(chain));
    script.tick();
    expect(script.phase).toBe("taking-over");
  });

  test("a crash loop: waits for an order, but no longer than a takeover may take", () => {
    const chain = own();
    const script = started(chain, tenure(chain));
    script.tick(500);
    expect(script.phase).toBe("standby");
    script.surveyed([3]);
    script.tick(600);
    expect(script.phase).toBe("taking-over");
  });

  test("a crash loop where nobody else could be ordered: does not wait", () => {
    const chain = own();
    const script = started(chain, tenure(chain), { orderable: false });
    script.tick();
    expect(script.phase).toBe("taking-over");
  });

  test("another's fence is the newest: it waits for an order for ever", () => {
    const chain = history(3, "host-c");
    const script = started(chain, null, { firstPreferred: true });
    for (let ticks = 0; ticks < 5; ticks += 1) {
      script.tick(10_000);
      if (script.effects.length > 0) script.surveyed([3]);
    }
    expect(script.phase).toBe("standby");
  });

  test.each([
    [true, "taking-over"],
    [false, "standby"],
  ] as const)("a pool without a fence: first preferred %s: %s", (firstPreferred, expected) => {
    const script = started(null, null, { firstPreferred });
    script.tick();
    expect(script.phase).toBe(expected);
  });

  test("a start that the vault spoils for a moment is tried again, also where nobody gives orders", () => {
    const chain = own();
    const script = started(chain, null);
    script.tick();
    script.unlistable();
    expect(script.phase).toBe("standby");
    script.tick();
    script.surveyed([3]);
    script.tick(2_000);
    expect(script.phase).toBe("taking-over");
  });

  test("an application that lacks schema entries does not begin, and begins once it has them", () => {
    const chain = own();
    const script = new PoolScript();
    script.send({ type: "fitness", unfit: "entry missing" });
    script.started(chain.head, null);
    atHead(script, chain);
    script.tick();
    expect(script.phase).toBe("standby");
    script.send({ type: "fitness", unfit: null });
    script.tick(1_000);
    script.surveyed([3]);
    script.tick(2_000);
    expect(script.phase).toBe("taking-over");
  });

  test("who fenced in this life has had its turn, and does not begin again by itself", () => {
    const chain = own();
    const script = started(chain, null, { bootId: chain.head!.fence.bootId satisfies BootId });
    script.tick(10_000);
    expect(script.phase).toBe("standby");
  });
});

describe("roles", () => {
  const roles: readonly Role[] = ["restoring", "standby", "taking-over", "primary", "fenced", "offline"];
  const allowed: Readonly<Record<Role, readonly Role[]>> = {
    restoring: ["standby", "offline"],
    standby: ["taking-over", "restoring", "fenced", "offline"],
    "taking-over": ["primary", "standby", "restoring", "fenced", "offline"],
    primary: ["fenced", "offline"],
    fenced: ["standby", "offline"],
    offline: ["standby"],
  };

  test.each(roles)("from %s", (from) => {
    expect(roles.filter((to) => to !== from && mayBecome(from, to)).toSorted()).toEqual(allowed[from].toSorted());
  });

  test("nobody becomes primary but by taking over", () => {
    expect(roles.filter((from) => from !== "primary" && mayBecome(from, "primary"))).toEqual(["taking-over"]);
  });
});
