/** A standby's vote, with real processes: what happens to the primary, and what the standby says of it. No proxy runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseNodeId } from "../../shared/ids.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { systemSockets } from "../../shared/sockets.ts";
import { systemRandom } from "../../shared/random.ts";
import { MessageClient } from "../../shared/wire/message-client.ts";
import type { Answer } from "../../shared/wire/messages.ts";
import { until } from "../until.ts";
import { Nodes } from "./nodes.ts";

const BOUND_MS = 2500;
const app = join(import.meta.dirname, "sleepy-app.ts");

let nodes: Nodes;
let client: MessageClient;
beforeEach(async () => {
  nodes = await Nodes.make({ hosts: 2, proxies: 1, app, extra: "health: { hang: 2s }" });
  const secret = Buffer.from(readFileSync(join(nodes.folder, "cluster.key"), "utf8").trim(), "hex");
  const self = parseNodeId("proxy-1");
  client = new MessageClient({
    self,
    cluster: "test",
    secret,
    clock: systemClock,
    random: systemRandom,
    sockets: systemSockets,
  });
});
afterEach(async ({ task }) => {
  client.close();
  await nodes.end({ keep: task.result?.state === "fail" });
});

const at = (id: string) => ({
  to: parseNodeId(id),
  address: { host: "127.0.0.1", port: nodes.hosts.get(id)?.control ?? 0 },
  timeoutMs: 2000,
});

/** As a proxy asks, about the newest fence that the host itself knows. `null`: it does not answer. */
async function vote(id: string): Promise<Answer<"vote"> | null> {
  const heard = await client.send("heartbeat", { ...at(id), body: { bootId: null, originMs: 0 } });
  if (heard.type !== "answer") return null;
  const { bootId, pools } = heard.answer.report;
  const body = { pool: "main", bootId, fence: pools[0]?.fence?.id ?? null };
  const voted = await client.send("vote", { ...at(id), body });
  return voted.type === "answer" ? voted.answer : null;
}

/** Waits for that verdict, and what it rests on. */
async function votes(verdict: "alive" | "down"): Promise<Answer<"vote">> {
  let voted: Answer<"vote"> | null = null;
  const heard = async (): Promise<boolean> => (voted = await vote("host-b"))?.verdict === verdict;
  await until(heard, { timeoutMs: 60_000, everyMs: 50 });
  return voted ?? expect.unreachable();
}

test("of a primary that is well, sleeps, hangs, and is killed", { timeout: 240_000 }, async () => {
  for (const id of nodes.hosts.keys()) nodes.start(id);
  await until(async () => (await nodes.report("host-a"))?.serving === true, { timeoutMs: 60_000, everyMs: 50 });
  await votes("alive");
  expect(await vote("host-a")).toMatchObject({ verdict: "alive", reason: "it serves" });

  await nodes.signal("host-a", "SIGSTOP");
  const asleep = await votes("down");
  expect(asleep.reason).toMatch(/^host-a: it does not answer: timeout/);
  expect(asleep.stillMs).toBeGreaterThanOrEqual(BOUND_MS);
  await nodes.signal("host-a", "SIGCONT");
  await votes("alive");

  // Its heartbeats are answered all the time.
  const { listen } = nodes.hosts.get("host-a") ?? expect.unreachable();
  const stop = new AbortController();
  const standing = fetch(`http://127.0.0.1:${listen}/stand-still`, { method: "POST", signal: stop.signal });
  const ended = expect(standing).rejects.toThrow();
  expect((await votes("down")).reason).toMatch(/^host-a: its main thread has not ticked for \d+ ms$/);
  expect((await nodes.report("host-a"))?.serving).toBe(true);
  stop.abort();
  await ended;

  await nodes.signal("host-a", "SIGKILL");
  expect((await votes("down")).reason).toMatch(/^host-a: it does not answer: refused/);
});
