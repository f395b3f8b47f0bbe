/** Proxies that are restarted one after the other, under clients that have a list of them. */
import { expect, it } from "vitest";
import { Scenario } from "./scenario.ts";
import type { Failure, Writers } from "./writers.ts";

const LONG = { timeout: 240_000 };
const CLIENTS = 8;
const ROAMING = { clients: CLIENTS, restMs: 5 };

let scenario: Scenario;

/** Ends each proxy by this signal and starts it again, one after the other. @returns what failed during each one's turn. */
async function restartAll(
  writers: Writers,
  signal: "SIGTERM" | "SIGKILL",
): Promise<ReadonlyMap<string, readonly Failure[]>> {
  const failed = new Map<string, readonly Failure[]>();
  for (const proxy of scenario.proxies) {
    const before = writers.failures.length;
    await scenario.nodes.signal(proxy, signal);
    await scenario.more([writers], 5 * CLIENTS);
    scenario.nodes.start(proxy);
    await scenario.settled();
    await scenario.more([writers], 5 * CLIENTS);
    failed.set(proxy, writers.failures.slice(before));
  }
  return failed;
}

it("proxies that are told to stop, one after the other: no request fails", LONG, async () => {
  scenario = await Scenario.start({ failures: 100 });
  const epoch = await scenario.epoch();
  const writers = await scenario.write(scenario.proxies, ROAMING);
  const failed = await restartAll(writers, "SIGTERM");
  expect([...failed.values()].flat()).toEqual([]);
  expect(await scenario.nothingIsLost()).toEqual([]);
  expect(await scenario.epoch()).toBe(epoch);
  scenario.say(`${scenario.proxies.length} proxies stopped and started in a row: no request failed`);
});

it("proxies that are killed, one after the other: only what was on their connections breaks", LONG, async () => {
  scenario = await Scenario.start({ failures: 100 });
  const epoch = await scenario.epoch();
  const writers = await scenario.write(scenario.proxies, ROAMING);
  const failed = await restartAll(writers, "SIGKILL");
  for (const [proxy, failures] of failed) {
    const elsewhere = failures.filter(({ url, status }) => url !== scenario.nodes.url(proxy) || status !== null);
    expect(elsewhere).toEqual([]);
    // A client has one request at a time.
    expect(failures.length).toBeLessThanOrEqual(CLIENTS);
  }
  await scenario.nothingIsLost();
  expect(await scenario.epoch()).toBe(epoch);
  const broken = [...failed].map(([proxy, failures]) => `${failures.length} at ${proxy}`).join(", ");
  scenario.say(`${scenario.proxies.length} proxies killed and started in a row: broken connections: ${broken}`);
});
