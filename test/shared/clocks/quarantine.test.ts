import { describe, expect, it } from "vitest";
import { NO_QUARANTINE, quarantineRules, stepQuarantine, type Quarantine } from "../../../shared/clocks/quarantine.ts";

const RULES = quarantineRules(500, 250);

/** What proxies say in each round, `null`: they cannot say; a proxy that is not named is silent. */
type Words = Readonly<Record<string, number | null>>;

class Node {
  nowMs = 0;
  state: Quarantine = NO_QUARANTINE;

  /** Heartbeats of 250 ms, for so long. */
  hears(words: Words, forMs: number, errorMs = 2): this {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; this.nowMs += 250) {
      for (const [from, offsetMs] of Object.entries(words)) {
        const deviation = offsetMs === null ? null : { offsetMs, errorMs };
        this.state = stepQuarantine(this.state, { type: "heard", from, deviation }, this.nowMs, RULES);
      }
      this.state = stepQuarantine(this.state, { type: "tick" }, this.nowMs, RULES);
    }
    return this;
  }

  get distrusts(): boolean {
    return this.state.reason !== null;
  }
}

describe("a node quarantines itself", () => {
  it("when it hears for three heartbeats that its clock is certainly off, not before", () => {
    expect(new Node().hears({ one: 10_000 }, 750).distrusts).toBe(false);
    expect(new Node().hears({ one: -10_000 }, 1_000).state.reason).toBe(
      "its clock is 10000 ms (± 2 ms) behind the median",
    );
  });

  it.each<[string, Words, boolean]>([
    ["all say so", { one: 700, two: 710, three: 690 }, true],
    ["most say so", { one: 700, two: 710, three: 3 }, true],
    ["half say so", { one: 700, two: 3 }, false],
    ["those say so that can say", { one: 700, two: null, three: null }, true],
    ["nobody can say", { one: null, two: null }, false],
    ["nobody is heard", {}, false],
    ["they are not certain", { one: 501 }, false],
  ])("%s", (_, words, distrusts) => {
    expect(new Node().hears(words, 3_000).distrusts).toBe(distrusts);
  });

  it("not when they say so now and then", () => {
    const node = new Node();
    for (let turn = 0; turn < 10; turn += 1) node.hears({ one: 10_000 }, 500).hears({ one: 0 }, 250);
    expect(node.distrusts).toBe(false);
  });
});

describe("a node in quarantine", () => {
  const distrusting = (): Node => new Node().hears({ one: 10_000, two: 10_000 }, 2_000);

  it("returns when its clock has been right for five seconds, not before", () => {
    expect(distrusting().hears({ one: 1, two: 1 }, 5_000).distrusts).toBe(true);
    expect(distrusting().hears({ one: 1, two: 1 }, 5_250).distrusts).toBe(false);
  });

  it("stays while its clock is further off than half of the bound, or is right only now and then", () => {
    expect(distrusting().hears({ one: 260, two: 260 }, 60_000).distrusts).toBe(true);
    const node = distrusting();
    for (let turn = 0; turn < 10; turn += 1)
      node.hears({ one: 0, two: 0 }, 4_000).hears({ one: 9_000, two: 9_000 }, 250);
    expect(node.distrusts).toBe(true);
  });

  it("keeps the reason that it began with, so that what others see of it does not change all the time", () => {
    const node = distrusting();
    const { reason } = node.state;
    expect(node.hears({ one: 10_200, two: 10_200 }, 1_000).state.reason).toBe(reason);
  });

  it("returns when nobody says anything any more", () => {
    expect(distrusting().hears({}, 9_000).distrusts).toBe(true);
    expect(distrusting().hears({}, 11_000).distrusts).toBe(false);
    expect(distrusting().hears({ one: null, two: null }, 5_250).distrusts).toBe(false);
  });

  it("does not count the word of a proxy that fell silent", () => {
    expect(distrusting().hears({ one: 0 }, 4_000).distrusts).toBe(true);
    expect(distrusting().hears({ one: 0 }, 11_000).distrusts).toBe(false);
  });
});

it("voices are bounded, whoever speaks", () => {
  let state = NO_QUARANTINE;
  for (let voice = 0; voice < 1_000; voice += 1) {
    const deviation = { offsetMs: 1, errorMs: 1 };
    state = stepQuarantine(state, { type: "heard", from: String(voice), deviation }, 0, RULES);
  }
  expect(state.voices.size).toBe(256);
});
