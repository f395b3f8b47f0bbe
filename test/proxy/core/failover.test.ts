import { describe, expect, it } from "vitest";
import { A, B, bootOf, C, fence, MAIN, primary, report, World } from "./world.ts";
import { hex } from "../fake-host.ts";

describe("the epoch and the route", () => {
  it("are raised by the claim of a host that serves, never by what a standby has read", () => {
    const world = new World().heard(B, report(B, { fence: fence(A, 7) }));
    expect([world.view().epoch, world.route(), world.view().fence?.epoch]).toEqual([0, "none", 7]);
    expect(world.heard(A, primary(A, 7)).route()).toBe("host-a 7");
  });

  it("do not believe a host that claims another's fence, or one of its own life before", () => {
    const world = new World();
    world.heard(B, report(B, { role: "primary", serving: true, fence: fence(A, 2) }));
    world.heard(A, report(A, { role: "primary", serving: true, fence: fence(A, 2) }, { bootId: hex(9) }));
    expect(world.view().epoch).toBe(0);
  });

  it("do not go back to a deposed primary that wakes and still says that it serves", () => {
    const world = new World().atWork().heard(B, primary(B, 2));
    expect(world.route()).toBe("host-b 2");
    world.nowMs += 10;
    expect(world.heard(A, primary(A, 1)).route()).toBe("host-b 2");
    expect(world.view().epoch).toBe(2);
  });

  it("wait while the primary is refused, and come back with the same epoch when it was nothing", () => {
    const world = new World().atWork().failed(A, "refused");
    expect(world.route()).toBe("none");
    world.nowMs += 5;
    expect(world.heard(A, primary(A, 1)).route()).toBe("host-a 1");
    expect(world.effects.some(({ type }) => type === "abandon")).toBe(false);
  });

  it("stay while the primary is only slow", () => {
    expect(new World().atWork().failed(A, "timeout").route()).toBe("host-a 1");
  });
});

describe("a primary that is killed", () => {
  it("is deposed at once by an order to the standby that has applied most, naming its fence", () => {
    const world = new World().atWork().dead(A);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    expect([world.route(), world.view().state]).toEqual(["none", "taking-over"]);
  });

  it("loses what was sent to it to the next one: abandoned after the route was closed", () => {
    const world = new World().atWork().dead(A);
    const kinds = world.effects.flatMap((effect) =>
      effect.type === "route" || effect.type === "abandon" ? [effect] : [],
    );
    expect(kinds).toEqual([
      { type: "route", pool: MAIN, route: null },
      { type: "abandon", pool: MAIN, host: A, epoch: 1 },
    ]);
  });

  it("is replaced at once when the ordered host answers that it serves", () => {
    const world = new World().atWork().dead(A);
    const { sentMs } = world.view().order!;
    const answer = { outcome: "serving" as const, reason: "", fence: fence(B, 2), phases: {} };
    world.tell({ type: "orderAnswered", pool: MAIN, host: B, sentMs, answer });
    expect([world.route(), world.view().state, world.view().order]).toEqual(["host-b 2", "serving", null]);
    const served = world.effects.flatMap((effect) =>
      effect.type === "note" && effect.note.type === "served" ? [effect.note] : [],
    );
    expect(served).toMatchObject([{ host: B, epoch: 2, phases: { cause: "refused", detectedMs: 20, orderedMs: 0 } }]);
  });

  it("is replaced when a heartbeat of the ordered host says that it serves, the order unanswered", () => {
    const world = new World().atWork().dead(A);
    world.nowMs += 20;
    expect(world.heard(B, primary(B, 2)).route()).toBe("host-b 2");
  });

  it("is not waited for: the ordered host is looked at every 20 ms", () => {
    const world = new World().atWork().dead(A);
    world.effects = [];
    for (let index = 0; index < 100; index++) {
      world.nowMs += 1;
      world.tell({ type: "tick" });
    }
    const looks = world.effects.filter((effect) => effect.type === "probe" && effect.host === B);
    expect(looks.length).toBeGreaterThanOrEqual(4);
  });

  it("is ordered away once, however often it is refused", () => {
    const world = new World().atWork().dead(A);
    for (let index = 0; index < 20; index++) {
      world.nowMs += 20;
      world.failed(A, "refused").dataFailed(A, "refused").tell({ type: "trafficFailed", host: A });
    }
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("has the equal standbys preferred in the configured order", () => {
    const world = new World();
    world
      .heard(A, primary(A, 1))
      .heard(C, report(C, { fence: fence(A, 1) }))
      .heard(B, report(B, { fence: fence(A, 1) }));
    expect(world.dead(A).take()).toEqual(["host-b deposes 1"]);
  });
});

it("a host that was started again is not asked by the boot id of its life before", () => {
  const world = new World().atWork();
  world.after(250);
  const asked = (): unknown[] =>
    world.effects.flatMap((effect) => (effect.type === "probe" && effect.host === A ? [effect.bootId] : []));
  expect(asked()).toEqual([bootOf(A)]);
  world.effects = [];
  world.failed(A, "rejected").after(250);
  expect(asked().length).toBeGreaterThan(0);
  expect(asked().every((bootId) => bootId === null)).toBe(true);
});

describe("an order that fails", () => {
  const ordered = (): World => {
    const world = new World().atWork().dead(A);
    world.take();
    return world;
  };
  const refuse = (world: World, known: ReturnType<typeof fence> | null): World => {
    const { sentMs } = world.view().order!;
    const answer = { outcome: "refused" as const, reason: "no", fence: known, phases: {} };
    return world.tell({ type: "orderAnswered", pool: MAIN, host: B, sentMs, answer });
  };

  it("is followed by one to the next candidate when it is refused", () => {
    expect(refuse(ordered(), fence(A, 1)).take()).toEqual(["host-c deposes 1"]);
  });

  it("is followed by none when the refusal names a newer fence: its owner is judged instead", () => {
    const world = refuse(ordered(), fence(C, 2));
    expect(world.take()).toEqual([]);
    expect(world.view().fence?.owner).toBe("host-c");
    world.nowMs += 10;
    expect(world.heard(C, primary(C, 2)).route()).toBe("host-c 2");
  });

  it("is followed by one to the next when the ordered host is gone", () => {
    const world = ordered();
    world.tell({ type: "orderFailed", pool: MAIN, host: B, sentMs: world.view().order!.sentMs, kind: "refused" });
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("is followed by one to the next when the ordered host dies on the way", () => {
    const world = ordered().dead(B);
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("is followed by one to the next when the ordered host does not serve in time", () => {
    const world = ordered();
    for (let index = 0; index < 20; index++) {
      world
        .after(250)
        .heard(B, report(B, { fence: fence(A, 1), slot: 12 }))
        .heard(C, report(C, { fence: fence(A, 1) }));
    }
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("long ago does not end the order that followed it", () => {
    const world = ordered();
    const { sentMs } = world.view().order!;
    world.nowMs += 1;
    world.tell({ type: "orderFailed", pool: MAIN, host: B, sentMs: sentMs - 1, kind: "timeout" });
    expect(world.view().order?.host).toBe(B);
  });

  it("for everybody is tried again after four intervals, not before", () => {
    const world = refuse(ordered(), fence(A, 1));
    world.tell({ type: "orderFailed", pool: MAIN, host: C, sentMs: world.view().order!.sentMs, kind: "refused" });
    expect(world.take()).toEqual(["host-c deposes 1"]);
    expect(world.view().state).toBe("waiting");
    const keep = (): World =>
      world
        .after(250)
        .heard(B, report(B, { fence: fence(A, 1) }))
        .heard(C, report(C, { fence: fence(A, 1) }));
    for (let index = 0; index < 3; index++) keep();
    expect(world.take()).toEqual([]);
    world.nowMs += 1;
    keep();
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });
});

describe("no candidate is", () => {
  it.each([
    ["a host that the configuration excludes", { candidate: false }, {}],
    ["a host on another vault", { vaultId: hex(14) }, {}],
    ["a host whose write to the vault failed", { probe: { ok: false, ageMs: 10, latencyMs: 1 } }, {}],
    ["a host whose last good write to the vault is old", { probe: { ok: true, ageMs: 6000, latencyMs: 1 } }, {}],
    ["a host that says it is unfit", {}, { unfit: "knows fewer schema entries" }],
    ["a host with an alarm", {}, { alarm: "HS_POOL_STUCK" }],
    ["a host that an operator took out", {}, { role: "offline" as const }],
    ["a host that is restoring", {}, { role: "restoring" as const }],
  ])("%s", (_, more, pool) => {
    const world = new World().atWork();
    world.nowMs += 1;
    world.heard(B, report(B, { fence: fence(A, 1), slot: 99, ...pool }, more));
    expect(world.dead(A).take()).toEqual(["host-c deposes 1"]);
  });

  it("and where no host can write to the vault, nobody is ordered: the pool is vault-unavailable", () => {
    const sick = { probe: { ok: false, ageMs: 6000, latencyMs: 1 } };
    const world = new World().atWork();
    world.nowMs += 1;
    world
      .heard(B, report(B, { fence: fence(A, 1) }, sick))
      .heard(C, report(C, { fence: fence(A, 1) }, sick))
      .dead(A);
    expect(world.take()).toEqual([]);
    expect(world.view().state).toBe("vault-unavailable");
    world.nowMs += 100;
    expect(world.heard(C, report(C, { fence: fence(A, 1) })).take()).toEqual(["host-c deposes 1"]);
  });
});

describe("a primary whose storage is sick", () => {
  const sick = { probe: { ok: false, ageMs: 10_000, latencyMs: 1 } };

  it("is deposed when a candidate's storage is well, and served from until then", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    world.heard(A, primary(A, 1, sick));
    expect(world.take()).toEqual(["host-b deposes 1"]);
    expect(world.route()).toBe("host-a 1");
  });

  it("keeps the pool when nobody's storage is well", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    world
      .heard(B, report(B, { fence: fence(A, 1) }, sick))
      .heard(C, report(C, { fence: fence(A, 1) }, sick))
      .heard(A, primary(A, 1, sick));
    expect(world.take()).toEqual([]);
    expect(world.route()).toBe("host-a 1");
  });
});

describe("a host that distrusts its own clock", () => {
  const off = { quarantined: "its clock is 10000 ms (± 2 ms) ahead of the median" };
  const following = (host: typeof B, more = {}): ReturnType<typeof report> =>
    report(host, { fence: fence(A, 1), slot: 11 }, more);

  it("is the last candidate, however far it has applied", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    world.heard(B, report(B, { fence: fence(A, 1), slot: 99 }, off));
    expect(world.dead(A).take()).toEqual(["host-c deposes 1"]);
  });

  it("is a candidate where there is no other: safety reads no clock", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    world.heard(B, following(B, off)).heard(C, following(C, off));
    expect(world.dead(A).take()).toEqual(["host-b deposes 1"]);
  });

  it("hands over as primary, once, and serves until then", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    for (let heartbeat = 0; heartbeat < 4; heartbeat += 1)
      world
        .heard(A, primary(A, 1, off))
        .heard(B, following(B))
        .heard(C, following(C))
        .after(250);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    expect(world.route()).toBe("host-a 1");
    world
      .heard(B, primary(B, 2))
      .heard(A, report(A, { fence: fence(B, 2) }, off))
      .after(1000);
    expect([world.take(), world.route()]).toEqual([[], "host-b 2"]);
  });

  it.each([
    ["nobody else trusts its own either", off, {}],
    ["no other can take over", {}, { unfit: "restoring" }],
  ])("stays primary where %s", (_, more, pool) => {
    const world = new World().atWork();
    world.nowMs += 1;
    for (const host of [B, C]) world.heard(host, report(host, { fence: fence(A, 1), ...pool }, more));
    world.heard(A, primary(A, 1, off));
    expect([world.take(), world.route(), world.view().state]).toEqual([[], "host-a 1", "serving"]);
  });

  it("is told of when it begins and when it ends, not in between", () => {
    const world = new World().atWork();
    for (const more of [off, off, {}, {}]) {
      world.nowMs += 1;
      world.heard(B, following(B, more));
    }
    const notes = world.effects.flatMap((effect) => (effect.type === "note" ? [effect.note] : []));
    expect(notes).toEqual([
      { type: "quarantine", node: B, reason: off.quarantined },
      { type: "quarantine", node: B, reason: null },
    ]);
  });
});

describe("a primary that says it does not serve", () => {
  it("fenced or released in the same life: another is ordered at once", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    world.heard(A, report(A, { role: "fenced", fence: fence(A, 1) }));
    expect(world.take()).toEqual(["host-b deposes 1"]);
  });

  it("started again and taking over by itself is waited for, at most the takeover's time", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    const starting = report(A, { role: "taking-over", takingOver: true, fence: fence(A, 1) }, { bootId: hex(9) });
    for (let index = 0; index < 19; index++) {
      world
        .heard(A, starting)
        .heard(B, report(B, { fence: fence(A, 1) }))
        .after(250);
    }
    expect(world.take()).toEqual([]);
    expect(
      world
        .heard(A, starting)
        .after(500)
        .heard(B, report(B, { fence: fence(A, 1) }))
        .take(),
    ).toHaveLength(1);
  });

  it("started again and waiting for an order (it crashed in a loop): another is ordered after a moment", () => {
    const world = new World().atWork();
    world.nowMs += 1;
    const waiting = report(A, { fence: fence(A, 1), takingOver: true, slot: 99 }, { bootId: hex(9) });
    expect(world.heard(A, waiting).take()).toEqual([]);
    expect(world.after(250).heard(A, waiting).take()).toEqual(["host-b deposes 1"]);
  });
});

describe("a cluster that starts cold", () => {
  it("without any fence: nobody is ordered before the takeover's time, then the best standby, deposing nobody", () => {
    const world = new World().heard(B, report(B)).heard(C, report(C));
    for (let index = 0; index < 19; index++) world.after(250).heard(B, report(B)).heard(C, report(C));
    expect(world.take()).toEqual([]);
    world.after(250).heard(B, report(B)).heard(C, report(C));
    expect(world.take()).toEqual(["host-b deposes nobody"]);
  });

  it("with an owner that this proxy has never heard: it may only be starting, and is waited for as long", () => {
    const world = new World().heard(B, report(B, { fence: fence(A, 3) })).dead(A);
    expect(world.verdict(A)).toBe("down: refused");
    expect(world.take()).toEqual([]);
    for (let index = 0; index < 20; index++) world.after(250).heard(B, report(B, { fence: fence(A, 3) }));
    expect(world.take()).toEqual(["host-b deposes 3"]);
  });

  it("with an owner that has not begun to take over: it is waited for as long", () => {
    const starting = report(A, { role: "offline", fence: fence(A, 3) }, { bootId: hex(9) });
    const world = new World().heard(B, report(B, { fence: fence(A, 3) }));
    for (let index = 0; index < 19; index++) world.heard(A, starting).after(250);
    expect(world.take()).toEqual([]);
    world
      .heard(A, starting)
      .after(250)
      .heard(B, report(B, { fence: fence(A, 3) }));
    expect(world.take()).toEqual(["host-b deposes 3"]);
  });

  it("with an owner whose data address does not listen yet: it is waited for, too", () => {
    const world = new World().heard(B, report(B, { fence: fence(A, 3) }));
    const starting = report(A, { fence: fence(A, 3) }, { bootId: hex(9) });
    for (let index = 0; index < 3; index++) {
      world.nowMs += 20;
      world.tell({ type: "probeAnswered", host: A, sentMs: world.nowMs, report: starting }).dataFailed(A, "refused");
    }
    expect(world.verdict(A)).toBe("down: data-unreachable");
    expect(world.take()).toEqual([]);
  });

  it("with an owner that is heard but will not talk to us: never ordered away", () => {
    const world = new World().heard(B, report(B, { fence: fence(A, 3) }));
    for (let index = 0; index < 60; index++)
      world
        .after(250)
        .failed(A, "rejected")
        .heard(B, report(B, { fence: fence(A, 3) }));
    expect(world.take()).toEqual([]);
  });

  it("with an owner that is not configured any more: the best standby is ordered", () => {
    const gone = { ...fence(A, 3), owner: "host-z" };
    expect(new World().heard(B, report(B, { fence: gone })).take()).toEqual(["host-b deposes 3"]);
  });
});

it("a fence known only from a standby, whose owner never served and dies, is deposed too", () => {
  const world = new World().atWork();
  world.nowMs += 1;
  world
    .heard(C, report(C, { fence: fence(B, 2) }))
    .heard(B, report(B, { role: "taking-over", takingOver: true, fence: fence(B, 2) }));
  world.dead(B);
  expect(world.take()).toEqual(["host-a deposes 2"]);
});
