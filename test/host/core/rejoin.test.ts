/** `rejoin: manual`: who lost its pool waits until somebody has looked, however often it is started meanwhile. */
import { beforeEach, describe, expect, test } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import type { Chain } from "../../shared/journal/records.ts";
import { reportOf } from "../../../host/pool-report.ts";
import { heirOf } from "../../../host/core/heir.ts";
import { headAt, history, PoolScript, SELF } from "./pool-script.ts";

/** A journal in which this host served, and host-c after it. */
let chain: Chain;
beforeEach(() => {
  chain = history(3, SELF);
  chain.fence("host-c");
  chain.batch();
});

/** It is started with what it had applied when it fell. */
const restarted = (applied = 3, rejoin: "auto" | "manual" = "manual"): PoolScript =>
  PoolScript.standby(headAt(chain, applied), { rejoin });

function meets(script: PoolScript, from: number, checkpoints: readonly number[] = []): void {
  script.tick(1000);
  script.surveyed(
    chain.records.map(({ record }) => record.header.slot).filter((slot) => slot >= from),
    checkpoints,
  );
}

describe("a host that another one deposed while it was away", () => {
  test("waits, says by whom, and tells the fence that deposed it", () => {
    const script = restarted();
    meets(script, 3);
    script.readFrom(chain);
    expect(script.state.phase).toEqual({ type: "fenced", reason: "deposed by host-c in epoch 2", sick: false });
    expect(script.state.newestFence?.owner).toBe("host-c");
    script.tick(60_000);
    expect(script.phase).toBe("fenced");
  });

  test("follows once it is enrolled, and is then a host like others: also after a restart", () => {
    const script = restarted();
    meets(script, 3);
    script.readFrom(chain);
    script.send({ type: "enrol" });
    meets(script, 3);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
    const again = restarted(5);
    meets(again, 5);
    expect(again.phase).toBe("standby");
  });

  test("enrolled before it has noticed: it does not stop at all", () => {
    const script = restarted();
    script.send({ type: "enrol" });
    meets(script, 3);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
  });

  test("brought back by an operator who had taken it out: that is a look too", () => {
    const script = new PoolScript({ rejoin: "manual" });
    script.send({ type: "decided", offline: "taken offline by anna" });
    script.started(headAt(chain, 3));
    expect(script.phase).toBe("offline");
    script.send({ type: "decided", offline: null });
    meets(script, 3);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
  });

  test("the journal is cleaned beyond its state: it waits all the same", () => {
    const script = restarted();
    for (let listing = 0; listing < 3; listing += 1) {
      if (listing === 0) script.tick(1000);
      script.surveyed([5], [5]);
    }
    expect(script.state.phase).toEqual({ type: "fenced", reason: "deposed while it was away", sick: false });
    script.send({ type: "enrol" });
    script.tick();
    for (let listing = 0; listing < 3; listing += 1) script.surveyed([5], [5]);
    expect(script.phase).toBe("restoring");
  });

  test("is ordered before it knows: refused, so that it cannot win without a look", () => {
    const script = restarted();
    const ticket = script.ordered(headAt(chain, 4).fence.id);
    expect(script.answerTo(ticket)).toMatchObject({ outcome: "refused", reason: expect.stringContaining("deposed") });
    expect(script.phase).toBe("standby");
  });

  test("rejoin: auto: it follows at once", () => {
    const script = restarted(3, "auto");
    meets(script, 3);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
  });
});

describe("a host that does not wait", () => {
  test("nobody has deposed it: it takes its own pool over again", () => {
    chain = history(3, SELF);
    const script = restarted();
    script.tick(1000);
    script.surveyed([3]);
    script.tick(1000);
    expect(script.phase).toBe("taking-over");
  });

  test("it had handed over before it was stopped", () => {
    chain = history(3, SELF);
    chain.release(parseNodeId("host-c"));
    chain.fence("host-c");
    chain.batch();
    const script = restarted();
    meets(script, 3);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(3);
  });

  test("it handed over, and follows the release before it sees the successor's fence", () => {
    chain = history(3, SELF);
    chain.release(parseNodeId("host-c"));
    const script = restarted();
    meets(script, 3);
    script.readFrom(chain);
    script.applied();
    chain.fence("host-c");
    chain.batch();
    meets(script, 4);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
  });

  test("it handed over, applied its release, and was stopped before it saw the successor's fence", () => {
    chain = history(3, SELF);
    const { record } = chain.release(parseNodeId("host-c"));
    chain.fence("host-c");
    chain.batch();
    const head = headAt(chain, 4);
    const script = new PoolScript({ rejoin: "manual" });
    script.started(head, null, heirOf(record, head.fence));
    meets(script, 4);
    script.readFrom(chain);
    expect(script.asked("apply").steps).toHaveLength(2);
  });

  test("it was a standby when it fell", () => {
    chain = history(3, "host-a");
    chain.fence("host-c");
    const script = restarted();
    meets(script, 3);
    script.readFrom(chain);
    expect(script.phase).toBe("standby");
  });
});

describe("a host that has just handed over", () => {
  const handsOver = (): PoolScript => {
    chain = history(3, "host-a");
    const script = PoolScript.standby(headAt(chain, 3)).toServing(chain);
    const sealed = chain.release(parseNodeId("host-c"));
    script.send({ type: "resign", sealed, reason: "switchover" });
    script.put("created");
    script.tick(10);
    expect(script.phase).toBe("standby");
    return script;
  };

  test("does not take its pool back, though a proxy that saw it not serve orders it", () => {
    const script = handsOver();
    const ticket = script.ordered(script.state.applied!.fence.id);
    expect(script.answerTo(ticket)).toMatchObject({
      outcome: "refused",
      reason: "it has just handed over to host-c",
    });
  });

  test("takes it back later: whom it named may have died", () => {
    const script = handsOver();
    script.tick(2000);
    script.ordered(script.state.applied!.fence.id);
    expect(script.phase).toBe("taking-over");
  });

  test("names the successor while its release is on its way", () => {
    chain = history(3, "host-a");
    const script = PoolScript.standby(headAt(chain, 3)).toServing(chain);
    script.send({ type: "resign", sealed: chain.release(parseNodeId("host-c")), reason: "switchover" });
    expect(reportOf(script.state, 0, 0)).toMatchObject({ role: "primary", serving: false, successor: "host-c" });
  });
});

test("a release that names nobody was no handover: the host waits", () => {
  chain = history(3, SELF);
  chain.release();
  chain.fence("host-c");
  chain.batch();
  const script = restarted();
  meets(script, 3);
  script.readFrom(chain);
  expect(script.phase).toBe("fenced");
});
