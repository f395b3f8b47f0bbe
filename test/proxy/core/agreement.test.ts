/** Three proxies, of which this one is the first: what it does alone, and what it does when it hears the others. */
import { describe, expect, it } from "vitest";
import type { NodeId } from "../../../shared/ids.ts";
import type { Answer, PoolSighting } from "../../../shared/wire/messages.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import type { Rules } from "../../../proxy/core/proxy-state.ts";
import { TUNING } from "../../tuning.ts";
import { account, content, ORIGINS } from "./accounts.ts";
import { A, B, bootOf, C, fence, MAIN, primary, report, RULES, SETTINGS, World } from "./world.ts";

const [P1, P2, P3] = ORIGINS as [NodeId, NodeId, NodeId];
const COUNCIL: Rules = { ...RULES, self: P1, proxies: ORIGINS, gossip: gossipRules({ ...TUNING, proxies: ORIGINS }) };

class Council extends World {
  #versions = 0;

  constructor(self: NodeId = P1) {
    super({ ...COUNCIL, self });
  }

  /** Another proxy says what it sees of the pool. */
  says(proxy: NodeId, more: Partial<PoolSighting>, hosts: { host: NodeId; verdict: "up" | "down" }[] = []): this {
    const pool: PoolSighting = {
      pool: MAIN,
      fence: fence(A, 1),
      epoch: 1,
      primary: A,
      opinion: "well",
      cause: null,
      seenAtMs: null,
      ordered: null,
      ...more,
    };
    const seen = hosts.map((sighting) => ({ ...sighting, reason: null }));
    const told = content({ pools: [pool], hosts: seen });
    const beat = ++this.#versions;
    const observation = account(proxy, 1 + ORIGINS.indexOf(proxy), beat, { beat, content: told });
    return this.tell({ type: "gossipHeard", from: proxy, observations: [observation], digest: [] });
  }

  lost(proxy: NodeId): this {
    return this.says(proxy, { opinion: "lost", cause: "refused" });
  }

  votes(host: NodeId, verdict: Answer<"vote">["verdict"], id: string | null = fence(A, 1).id): this {
    const answer = { verdict, reason: "as told", stillMs: 3000 };
    return this.tell({ type: "voteAnswered", pool: MAIN, host, fence: id, answer });
  }

  asked(): string[] {
    return this.effects.flatMap((effect) => (effect.type === "askVote" ? [effect.host] : []));
  }

  /** What this proxy says itself, as the others get it. */
  own(): PoolSighting {
    const { gossip } = this.state;
    return gossip.known.get(gossip.self)!.content!.pools[0]!;
  }

  /** Both others are silent. */
  alone(): this {
    const { suspectMs } = COUNCIL.gossip.bounds;
    for (let ms = 0; ms <= suspectMs; ms += 250) this.after(250).atWork();
    return this;
  }
}

const atWork = (self?: NodeId): Council => new Council(self).atWork().says(P2, {}).says(P3, {}).atWork();

describe("a host that this proxy could not reach while it was a standby, and hears of as the next primary", () => {
  const told = (): Council =>
    atWork()
      .dead(C)
      .after(1000)
      .heard(B, report(B, { fence: fence(C, 2), slot: 12 }));

  it("is not voted against for what was missed before", () => {
    const world = told();
    expect(world.own()).toMatchObject({ fence: fence(C, 2), opinion: "waiting" });
    world.heard(C, primary(C, 2)).after(250).heard(C, primary(C, 2));
    expect(world.own()).toMatchObject({ opinion: "well", primary: C });
    expect(world.take()).toEqual([]);
  });

  it("is voted against when it cannot be reached for as long again", () => {
    const world = told();
    world.after(SETTINGS.failures * SETTINGS.intervalMs - 1);
    expect(world.own().opinion).toBe("waiting");
    expect(world.after(1).own()).toMatchObject({ opinion: "lost", cause: "refused" });
  });
});

describe("a primary that only this proxy cannot reach", () => {
  it("is not replaced, however long", () => {
    const world = atWork().dead(A);
    for (let s = 0; s < 30; s++) world.after(500).says(P2, {}).says(P3, {}).dead(A);
    expect(world.take()).toEqual([]);
    expect(world.route()).toBe("none");
    expect(world.own()).toMatchObject({ opinion: "lost", cause: "refused" });
  });

  it("is served again when it is reached again", () => {
    const world = atWork().dead(A);
    world.after(20).heard(A, primary(A, 1)).after(20).heard(A, primary(A, 1));
    expect(world.route()).toBe("host-a 1");
    expect(world.own().opinion).toBe("well");
  });
});

describe("a primary that is gone", () => {
  it("is replaced as soon as a second proxy says so, with both votes in the order", () => {
    const world = atWork().dead(A);
    expect(world.take()).toEqual([]);
    world.lost(P2);
    expect(world.view().order?.votes).toMatchObject([{ by: P1 }, { by: P2 }, { by: P3, verdict: "against: well" }]);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    expect(world.own().ordered).toBe(B);
  });

  it("is replaced by the second proxy only when the first has had its turn", () => {
    const world = atWork(P2).dead(A).lost(P1);
    expect(world.take()).toEqual([]);
    world.after(SETTINGS.signalGapMs - 50);
    expect(world.take()).toEqual([]);
    world.atWork().tell({ type: "dataFailed", host: A, sentMs: world.nowMs, kind: "refused" });
    const later = atWork(P2).dead(A).lost(P1);
    later.after(SETTINGS.signalGapMs);
    expect(later.take()).toEqual(["host-b deposes 1"]);
  });

  it("is left to the proxy that has ordered already, until that had its time", () => {
    const world = atWork(P2).dead(A).says(P1, { opinion: "lost", cause: "refused", ordered: C });
    const keep = (): Council => {
      world.heard(B, report(B, { fence: fence(A, 1), slot: 12 })).heard(C, report(C, { fence: fence(A, 1), slot: 11 }));
      return world.dead(A).says(P1, { opinion: "lost", cause: "refused", ordered: C });
    };
    for (let ms = 0; ms < SETTINGS.takeoverMs - 500; ms += 250) keep().after(230);
    expect(world.take()).toEqual([]);
    expect(world.view().state).toBe("taking-over");
    for (let ms = 0; ms < 1500; ms += 250) keep().after(230);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("and whose successor is gone too is left to the first proxy's turn again", () => {
    const world = atWork(P2).dead(A).says(P1, { opinion: "lost", cause: "refused", ordered: B });
    for (let ms = 0; ms < 2 * SETTINGS.signalGapMs; ms += 250)
      world.after(250).says(P1, { opinion: "lost", cause: "refused", ordered: B });
    world.heard(C, report(C, { fence: fence(B, 2), slot: 13 }));
    world.says(P1, { fence: fence(B, 2), opinion: "lost", cause: "refused" });
    world.dead(B).heard(C, report(C, { fence: fence(B, 2) }));
    expect(world.take()).toEqual([]);
    for (let ms = 0; ms < SETTINGS.signalGapMs; ms += 250)
      world
        .after(250)
        .heard(C, report(C, { fence: fence(B, 2) }))
        .says(P1, { fence: fence(B, 2), opinion: "lost" });
    expect(world.take()).toEqual(["host-c deposes 2"]);
  });

  it("is not replaced by votes on another fence", () => {
    const world = atWork().dead(A).says(P2, { opinion: "lost", cause: "refused", fence: null });
    expect(world.take()).toEqual([]);
  });

  it("is looked at at once when another proxy says that it is down", () => {
    const world = atWork();
    world.nowMs += 20;
    world.says(P2, { opinion: "lost", cause: "refused" }, [{ host: A, verdict: "down" }]);
    expect(world.effects.filter(({ type }) => type === "probe")).toEqual([
      { type: "probe", host: A, bootId: bootOf(A) },
    ]);
  });
});

describe("a new primary that another proxy has seen", () => {
  it("is asked at once, and believed only when it says so itself", () => {
    const world = atWork();
    world.nowMs += 20;
    world.says(P2, { fence: fence(B, 2), epoch: 2, primary: B });
    expect(world.effects.flatMap((effect) => (effect.type === "probe" ? [effect.host] : []))).toContain(B);
    expect(world.view().fence?.epoch).toBe(1);
    expect(world.route()).toBe("host-a 1");
    world.heard(B, primary(B, 2));
    expect(world.route()).toBe("host-b 2");
  });
});

describe("a proxy whose colleague ordered", () => {
  const served = (world: World): string[] =>
    world.effects.flatMap((effect) =>
      effect.type === "note" && effect.note.type === "served" ? [`${effect.note.host} ${effect.note.epoch}`] : [],
    );

  it("waits when that one is done and it has not asked the new primary yet, and tells of it when it has", () => {
    const world = atWork(P2).dead(A).says(P1, { opinion: "lost", cause: "refused", ordered: B });
    expect(world.view().state).toBe("taking-over");
    world.effects = [];
    world.says(P1, { fence: fence(B, 2), epoch: 2, primary: B }).says(P3, { fence: fence(B, 2), epoch: 2, primary: B });
    expect(world.view().state).toBe("waiting");
    expect(served(world)).toEqual([]);
    world.heard(B, primary(B, 2));
    expect(served(world)).toEqual(["host-b 2"]);
  });

  it("tells of a new primary also where it never doubted the old one", () => {
    const world = atWork(P2);
    world.heard(B, primary(B, 2));
    expect(served(world)).toEqual(["host-b 2"]);
  });
});

describe("a primary that distrusts its clock", () => {
  it("is handed over, after many takeovers in a minute, when that has lasted as long as the damper says", () => {
    const world = new World().atWork();
    const takeovers = Array.from({ length: 10 }, () => world.nowMs);
    world.state = { ...world.state, pools: new Map([[MAIN, { ...world.view(), takeoversMs: takeovers }]]) };
    const keep = (): World => {
      world.heard(A, primary(A, 1, { quarantined: "its clock is off" }));
      return world.heard(B, report(B, { fence: fence(A, 1), slot: 12 }));
    };
    for (let ms = 0; ms < SETTINGS.dampMs - 250; ms += 250) keep().after(250);
    expect(world.take()).toEqual([]);
    keep().after(250);
    keep().after(250);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });
});

describe("the last proxy of three", () => {
  const last = (): Council => atWork().alone().dead(A).after(250);

  it("asks the standbys, and orders when one has seen the vault stand still", () => {
    const world = last();
    expect(world.take()).toEqual([]);
    world.after(250);
    expect(world.asked()).toEqual([B, C]);
    world.votes(B, "down");
    expect(world.take()).toEqual([]);
    world.votes(C, "unsure");
    expect(world.view().order?.votes).toMatchObject([{ by: P1 }, { by: B, standsFor: P2 }]);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("orders nobody while a standby sees the vault move", () => {
    const world = last().after(250).votes(B, "down").votes(C, "alive");
    expect(world.take()).toEqual([]);
    world.votes(C, "unsure");
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("does not wait for a standby that does not answer", () => {
    const world = last().after(250).votes(B, "down");
    expect(world.take()).toEqual([]);
    world.after(SETTINGS.intervalMs);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("does not count a vote that is old, or on another fence", () => {
    const world = last().votes(B, "alive").after(SETTINGS.voteFreshMs).votes(C, "down", fence(B, 2).id);
    expect(world.take()).toEqual([]);
    world.votes(B, "unsure").votes(C, "down");
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("asks nobody while the others live", () => {
    const world = atWork().dead(A);
    for (let ms = 0; ms < 3000; ms += 250) world.after(230).says(P2, {}).says(P3, {}).dead(A);
    expect(world.asked()).toEqual([]);
  });
});

describe("a host that came back a moment ago", () => {
  const back = (): World => {
    const world = new World().atWork().dead(B);
    world
      .after(250)
      .atWork()
      .heard(B, report(B, { fence: fence(A, 1), slot: 12 }));
    return world.heard(B, report(B, { fence: fence(A, 1), slot: 12 }));
  };

  it("is no candidate before it was well for long enough", () => {
    const world = back();
    expect(world.verdict(B)).toBe("up");
    world.dead(A);
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("is one afterwards", () => {
    const world = back();
    for (let ms = 0; ms < SETTINGS.stableMs; ms += 250) world.after(250).atWork();
    world.dead(A);
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("is waited for, where there is no other, no longer than that", () => {
    const world = back().dead(C).dead(A);
    expect(world.take()).toEqual([]);
    for (let ms = 0; ms < SETTINGS.stableMs; ms += 250)
      world.after(250).heard(B, report(B, { fence: fence(A, 1), slot: 12 }));
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });
});
