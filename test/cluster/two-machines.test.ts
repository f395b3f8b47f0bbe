/**
 * Two machines with a proxy and a host each, and a network between them that breaks: who is alone decides by what the
 * vault shows, which both still see.
 */
import { describe, expect, it } from "vitest";
import { DETECTION_MS, Scenario } from "./scenario.ts";

const FIRST = ["proxy-1", "host-a"];
const SECOND = ["proxy-2", "host-b"];
/** Far beyond what a proxy needs to find a host down, and what a standby needs to find the vault at rest. */
const SILENCE_MS = 7 * DETECTION_MS;
const LONG = { timeout: 240_000 };

let scenario: Scenario;

/** The first machine has the primary. */
async function start(): Promise<void> {
  scenario = await Scenario.start({ hosts: 2, proxies: 2, links: true });
  expect(await scenario.settled()).toBe("host-a");
}

async function signalFirst(signal: NodeJS.Signals): Promise<void> {
  await Promise.all(FIRST.map((id) => scenario.nodes.signal(id, signal)));
}

describe("two machines under load, each with a proxy and a host", () => {
  it(
    "cut off from one another: none takes over while the vault moves, one does when it stands still",
    LONG,
    async () => {
      await start();
      const [near, far] = [await scenario.write(["proxy-1"]), await scenario.write(["proxy-2"])];
      const before = near.acknowledged.length;
      await scenario.nobodyTakesOver(SILENCE_MS, () => scenario.links?.cut(FIRST, SECOND));
      await scenario.more([near]);
      const meanwhile = near.acknowledged.length - before;
      await near.stop();
      // Nobody writes: that the primary lives shows only in its own file in the vault.
      await scenario.nobodyTakesOver(SILENCE_MS);
      const epoch = (await scenario.epoch()) + 1;
      const diedMs = performance.now();
      await signalFirst("SIGKILL");
      expect(await scenario.settled({ proxies: ["proxy-2"], standbys: 0, epoch })).toBe("host-b");
      await scenario.more([far]);
      const pauseMs = far.firstAfterPauseMs(diedMs) - diedMs;
      expect((await scenario.fence(epoch)).votes).toContainEqual(
        expect.objectContaining({ by: "host-b", standsFor: "proxy-1" }),
      );
      scenario.links?.heal();
      for (const id of FIRST) scenario.nodes.start(id);
      expect(await scenario.settled({ epoch })).toBe("host-b");
      expect(await scenario.nothingIsLost()).toEqual([]);
      expect(await scenario.epoch()).toBe(epoch);
      scenario.say(
        `two machines cut off: no takeover in ${SILENCE_MS} ms with ${meanwhile} writes, none in ${SILENCE_MS} ms without; epoch ${epoch} ${pauseMs.toFixed(0)} ms after the first one died`,
      );
    },
  );

  it("of which one sleeps: the other takes over, and it wakes up as a standby", LONG, async () => {
    await start();
    const [near, far] = [await scenario.write(["proxy-1"]), await scenario.write(["proxy-2"])];
    const epoch = (await scenario.epoch()) + 1;
    const asleepMs = performance.now();
    await signalFirst("SIGSTOP");
    expect(await scenario.settled({ proxies: ["proxy-2"], standbys: 0, epoch })).toBe("host-b");
    await scenario.more([far]);
    const pauseMs = far.firstAfterPauseMs(asleepMs) - asleepMs;
    await signalFirst("SIGCONT");
    await scenario.more([near, far]);
    expect(await scenario.settled({ epoch })).toBe("host-b");
    expect(await scenario.nothingIsLost()).toEqual([]);
    expect(await scenario.epoch()).toBe(epoch);
    scenario.say(
      `one of two machines asleep: epoch ${epoch} after ${pauseMs.toFixed(0)} ms, it came back as a standby`,
    );
  });
});
