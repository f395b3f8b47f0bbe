/** Three proxies and three hosts: what makes a takeover, and what makes none. */
import { describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { DETECTION_MS, Scenario } from "./scenario.ts";

/** Far beyond what any proxy needs to find a host down. */
const SILENCE_MS = 7 * DETECTION_MS;
const LONG = { timeout: 240_000 };

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number;
  readonly afterMs: number;
}

/** Asks until it is refused. What was asked before the proxy knew is left: its answer is held in the cut link. */
async function firstRefusal(url: string): Promise<Refusal> {
  let found: Refusal | null = null;
  await until(
    async () => {
      const beganMs = performance.now();
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null);
      const text = (await answer?.text()) ?? "";
      if (answer === null || answer.ok) return false;
      const { code } = JSON.parse(text) as { code: string };
      const retryAfter = Number(answer.headers.get("retry-after") ?? Number.NaN);
      found = { status: answer.status, code, retryAfter, afterMs: performance.now() - beganMs };
      return true;
    },
    { timeoutMs: 60_000, everyMs: 20 },
  );
  return found ?? { status: 0, code: "", retryAfter: Number.NaN, afterMs: 0 };
}

let scenario: Scenario;

describe("three proxies and three hosts under load", () => {
  it("whose primary is killed: one takeover, and all proxies switch", LONG, async () => {
    scenario = await Scenario.start();
    const crowds = await scenario.writeEach();
    const epoch = (await scenario.epoch()) + 1;
    const first = await scenario.settled();
    await scenario.nodes.signal(first, "SIGKILL");
    const killedMs = performance.now();
    const spreadMs = await scenario.spreadMs(epoch);
    await scenario.more(crowds);
    const second = await scenario.settled({ standbys: 1, epoch });
    expect(second).not.toBe(first);
    const pauseMs = Math.max(...crowds.map((writers) => writers.firstAfterPauseMs(killedMs))) - killedMs;
    expect(await scenario.nothingIsLost()).toEqual([]);
    const since = (await scenario.fences()).filter((fence) => fence.epoch >= epoch);
    expect(since).toMatchObject([{ epoch, owner: second, isVoid: false }]);
    scenario.say(
      `primary killed: epoch ${epoch}, writes went on after ${pauseMs.toFixed(0)} ms, all proxies switched within ${spreadMs} ms`,
    );
  });

  it("one proxy is cut off from the primary only: no takeover, and it serves again after", LONG, async () => {
    scenario = await Scenario.start({ links: true });
    const [cutOff = "", ...others] = scenario.proxies;
    const waiting = await scenario.write([cutOff]);
    const crowds = await scenario.writeEach(others);
    const primary = await scenario.settled();
    const before = scenario.acknowledged;
    await scenario.nobodyTakesOver(SILENCE_MS, () => scenario.links?.cut([cutOff], [primary]));
    await scenario.more(crowds);
    const meanwhile = scenario.acknowledged - before;
    scenario.links?.heal();
    await scenario.more([waiting]);
    expect(await scenario.settled()).toBe(primary);
    expect(await scenario.nothingIsLost()).toEqual([]);
    scenario.say(
      `one proxy cut off from the primary for ${SILENCE_MS} ms: no takeover, ${meanwhile} writes meanwhile, those through it waited`,
    );
  });

  it("one proxy is cut off from all: no takeover, and it turns its clients away by itself", LONG, async () => {
    scenario = await Scenario.start({ links: true, extra: "park: { wait: 1s }" });
    const [cutOff = "", ...others] = scenario.proxies;
    const crowds = await scenario.writeEach(others);
    const primary = await scenario.settled();
    const before = scenario.acknowledged;
    await scenario.nobodyTakesOver(SILENCE_MS, () => scenario.links?.cut([cutOff], [...others, ...scenario.hosts]));
    const refused = await firstRefusal(`${scenario.nodes.url(cutOff)}/spaces`);
    expect(refused).toMatchObject({ status: 503, code: "HS_PARKED_TOO_LONG", retryAfter: expect.any(Number) });
    await scenario.more(crowds);
    const meanwhile = scenario.acknowledged - before;
    scenario.links?.heal();
    expect(await scenario.settled()).toBe(primary);
    await scenario.write([cutOff]);
    expect(await scenario.nothingIsLost()).toEqual([]);
    scenario.say(
      `one proxy cut off from all for ${SILENCE_MS} ms: no takeover, ${meanwhile} writes through the others, ${refused.code} after ${refused.afterMs.toFixed(0)} ms at it`,
    );
  });

  it("two proxies are killed, then the primary: a standby votes, and one takes over", LONG, async () => {
    scenario = await Scenario.start();
    const [last = "", ...killed] = scenario.proxies.toReversed();
    const writers = await scenario.write([last]);
    const first = await scenario.settled();
    for (const id of killed) await scenario.nodes.signal(id, "SIGKILL");
    await scenario.more([writers]);
    const epoch = (await scenario.epoch()) + 1;
    await scenario.nodes.signal(first, "SIGKILL");
    const killedMs = performance.now();
    const second = await scenario.settled({ proxies: [last], standbys: 1, epoch });
    await scenario.more([writers]);
    const pauseMs = writers.firstAfterPauseMs(killedMs) - killedMs;
    expect(await scenario.nothingIsLost()).toEqual([]);
    const { owner, votes } = await scenario.fence(epoch);
    expect(owner).toBe(second);
    const standing = votes.filter(({ standsFor }) => standsFor !== undefined);
    expect(standing.length, `votes: ${JSON.stringify(votes)}`).toBeGreaterThan(0);
    for (const { by, standsFor } of standing) {
      expect(scenario.hosts).toContain(by);
      expect(killed).toContain(standsFor);
    }
    const said = standing.map(({ by, standsFor }) => `${by} for ${standsFor}`).join(", ");
    scenario.say(
      `two of three proxies and the primary killed: epoch ${epoch} after ${pauseMs.toFixed(0)} ms, votes of standbys: ${said}`,
    );
  });
});
