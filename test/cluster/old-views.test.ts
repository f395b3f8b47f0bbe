/**
 * A proxy that sleeps through a takeover and wakes up believing in the old primary, with requests in its hands: nobody gets
 * a wrong answer, whether the old primary is gone or can be reached and believes the same.
 */
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { judge } from "../chaos/judge.ts";
import { Load } from "../chaos/load.ts";
import { Recorder } from "../chaos/recorder.ts";
import { until } from "../until.ts";
import { Scenario } from "./scenario.ts";

const LONG = { timeout: 240_000 };
const APP = join(import.meta.dirname, "../chaos/app.ts");
const PATIENT = 16;
const REPLAYS = "hotspare_proxy_replays_total";

let scenario: Scenario;

/** Stops the proxy's process, has another host take over, and wakes the proxy; `deposes` is what becomes of the primary. */
async function sleepThrough(deposes: "SIGKILL" | "SIGSTOP"): Promise<string> {
  scenario = await Scenario.start({ app: APP });
  const [sleeper = "", ...others] = scenario.proxies;
  const recorder = new Recorder(join(scenario.nodes.folder, "history.jsonl"));
  const load = new Load({ proxies: scenario.proxies.map((id) => scenario.nodes.url(id)), seed: 1, recorder });
  onTestFinished(() => load.end());
  await load.start();
  // They wait for their answers however long the proxy sleeps: it wakes up with what they asked.
  const patient = await scenario.write([sleeper], { clients: PATIENT, restMs: 0 });
  const first = await scenario.settled();
  const epoch = (await scenario.epoch()) + 1;
  const replays = await scenario.counted(sleeper, REPLAYS);
  await scenario.nodes.signal(sleeper, "SIGSTOP");
  await scenario.nodes.signal(first, deposes);
  const second = await scenario.settled({ proxies: others, standbys: 1, epoch });
  expect(second).not.toBe(first);
  const [before, awokeMs] = [patient.acknowledged.length, performance.now()];
  await scenario.nodes.signal(sleeper, "SIGCONT");
  if (deposes === "SIGSTOP") await scenario.nodes.signal(first, "SIGCONT");
  await until(() => patient.acknowledged.length > before + 2 * PATIENT, { timeoutMs: 60_000 });
  const backMs = (patient.acknowledged[before]?.atMs ?? 0) - awokeMs;
  await scenario.settled({ standbys: deposes === "SIGSTOP" ? 2 : 1, epoch });
  const replayed = (await scenario.counted(sleeper, REPLAYS)) - replays;
  await checkAnswers(load, recorder);
  return `epoch ${epoch}, first answer ${backMs.toFixed(0)} ms after it awoke, ${replayed} requests sent again, ${recorder.calls.length} calls in order`;
}

/** All that anybody was told fits together, and nothing is left open. */
async function checkAnswers(load: Load, recorder: Recorder): Promise<void> {
  await load.stop();
  await load.readAll();
  expect(judge(recorder.calls)).toEqual([]);
  expect(recorder.complaints).toEqual([]);
  expect(recorder.outcomes.unknown).toBe(0);
  expect(await scenario.nothingIsLost()).toEqual([]);
  expect(scenario.nodes.unexpectedEnds).toEqual([]);
  await recorder.close();
}

it("a proxy sleeps while the primary is killed: what it sends to the dead host is sent again", LONG, async () => {
  const figures = await sleepThrough("SIGKILL");
  scenario.say(`a proxy slept through a takeover, the old primary dead: ${figures}`);
});

it("a proxy sleeps, and so does the primary: both wake up with old views, and nobody is told them", LONG, async () => {
  const figures = await sleepThrough("SIGSTOP");
  scenario.say(`a proxy slept through a takeover, the old primary woke up with it: ${figures}`);
});
