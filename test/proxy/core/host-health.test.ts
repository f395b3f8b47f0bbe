import { describe, expect, it } from "vitest";
import { settings } from "../../../proxy/core/settings.ts";
import { TUNING } from "../../tuning.ts";
import { A, primary, RULES, World } from "./world.ts";

const probes = (world: World): string[] =>
  world.effects.flatMap((effect) =>
    "host" in effect && effect.host === A && effect.type !== "abandon" ? [effect.type] : [],
  );

describe("a host", () => {
  it("is unknown before it was heard, not up and not down", () => {
    expect(new World().verdict(A)).toBe("unknown");
  });

  it("that was killed: refused twice, 20 ms apart, on both addresses, is down", () => {
    const world = new World().atWork().failed(A, "refused").dataFailed(A, "refused");
    expect(world.verdict(A)).toBe("suspect: refused");
    world.nowMs += 20;
    world.failed(A, "refused");
    expect(world.verdict(A)).toBe("down: refused");
  });

  it("that is refused twice within a moment is not down: that may be one event", () => {
    const world = new World().atWork().failed(A, "refused").dataFailed(A, "refused");
    world.nowMs += 2;
    expect(world.failed(A, "refused").dataFailed(A, "refused").verdict(A)).toBe("suspect: refused");
  });

  it("whose control address alone is refused is not down at once: its data address answers", () => {
    const world = new World().atWork().failed(A, "refused");
    world.nowMs += 20;
    world.failed(A, "refused").tell({ type: "dataAnswered", host: A, sentMs: world.nowMs });
    expect(world.verdict(A)).toBe("suspect: refused");
    for (let index = 0; index < 8; index++) world.after(100).failed(A, "refused");
    expect(world.verdict(A)).toBe("down: refused");
  });

  it("whose data address is refused twice is down, however well it answers heartbeats", () => {
    const world = new World().atWork().dataFailed(A, "refused");
    world.nowMs += 20;
    world.tell({ type: "probeAnswered", host: A, sentMs: world.nowMs, report: primary(A, 1) }).dataFailed(A, "refused");
    expect(world.verdict(A)).toBe("down: data-unreachable");
  });

  it("that is paused: three probes in a row without an answer, and three intervals, and it is down", () => {
    const world = new World().atWork();
    const seen = [0, 250, 500, 750].map((sentMs) => {
      world.tell({ type: "probeFailed", host: A, sentMs: 1000 + sentMs, kind: "timeout" });
      world.after(250);
      return world.verdict(A);
    });
    expect(seen).toEqual(["suspect: timeout", "suspect: timeout", "down: missed", "down: missed"]);
  });

  it("that has many probes unanswered within less than three intervals is only suspect", () => {
    const world = new World().atWork();
    for (let index = 0; index < 10; index++) {
      world.nowMs += 20;
      world.failed(A, "timeout");
    }
    expect(world.verdict(A)).toBe("suspect: timeout");
  });

  it.each(["rejected", "invalid"] as const)("whose answers are %s is never down: somebody is there", (kind) => {
    const world = new World().atWork();
    for (let index = 0; index < 20; index++) world.after(250).failed(A, kind);
    expect(world.verdict(A)).toBe(`suspect: ${kind}`);
  });

  it("whose main thread has not ticked for the hang time is down", () => {
    const world = new World().heard(A, primary(A, 1, { mainTickAgeMs: 9999 }));
    expect(world.verdict(A)).toBe("up");
    world.nowMs += 1;
    expect(world.heard(A, primary(A, 1, { mainTickAgeMs: 10_000 })).verdict(A)).toBe("down: hung");
  });

  it("that was down is up after two answers in a row and one of its data address, not after one", () => {
    const world = new World().atWork().dead(A);
    world.after(250).heard(A, primary(A, 1));
    expect(world.verdict(A)).toBe("down: refused");
    world.after(250).heard(A, primary(A, 1));
    expect(world.verdict(A)).toBe("up");
  });

  it("is not called alive by an answer to a probe that was sent before the newest failure", () => {
    const world = new World().atWork();
    const before = world.nowMs;
    world.nowMs += 5;
    world.failed(A, "refused").dataFailed(A, "refused");
    world.tell({ type: "probeAnswered", host: A, sentMs: before, report: primary(A, 1) });
    expect(world.verdict(A)).toBe("suspect: refused");
  });

  it("is given the grace time to start again in place before a refusal counts", () => {
    const graced = settings({ ...TUNING, health: { ...TUNING.health, graceMs: 2000 } });
    const world = new World({ ...RULES, settings: graced }).atWork().dead(A);
    expect(world.verdict(A)).toBe("suspect: refused");
    world.after(1900).failed(A, "refused").dataFailed(A, "refused");
    expect(world.verdict(A)).toBe("suspect: refused");
    world.after(100).failed(A, "refused").dataFailed(A, "refused");
    expect(world.verdict(A)).toBe("down: refused");
  });

  it("is not blamed for what this proxy missed while it was itself away", () => {
    const world = new World().atWork();
    const sentMs = world.nowMs + 10;
    world.nowMs += 60_000;
    for (let index = 0; index < 5; index++)
      world.tell({ type: "probeFailed", host: A, sentMs: sentMs + index, kind: "timeout" });
    expect(world.verdict(A)).toBe("up");
  });
});

describe("probes", () => {
  it("leave every interval, also while the last one is unanswered", () => {
    const world = new World();
    world.after(1000);
    expect(probes(world).filter((type) => type === "probe")).toHaveLength(4);
  });

  it("leave at once after an error of a real request, which is no verdict; a thousand errors ask for one", () => {
    const world = new World().atWork();
    world.nowMs += 100;
    for (let index = 0; index < 1000; index++) world.tell({ type: "trafficFailed", host: A });
    expect(probes(world)).toEqual(["probe", "probeData"]);
    expect(world.verdict(A)).toBe("up");
  });

  it("confirm a refusal 20 ms later, on both addresses", () => {
    const world = new World().atWork();
    world.nowMs += 100;
    world.failed(A, "refused");
    world.effects = [];
    world.nowMs += 19;
    expect(probes(world.tell({ type: "tick" }))).toEqual([]);
    world.nowMs += 1;
    expect(probes(world.tell({ type: "tick" }))).toEqual(["probe", "probeData"]);
  });

  it("leave more often while a host is suspect", () => {
    const world = new World().atWork();
    world.failed(A, "timeout");
    world.effects = [];
    for (let index = 0; index < 250; index++) {
      world.nowMs += 1;
      world.tell({ type: "tick" });
    }
    expect(probes(world).filter((type) => type === "probe").length).toBeGreaterThan(2);
  });
});
