import { expect, test } from "vitest";
import { newsOf } from "../../../deploy/cli/up/node-news.ts";

const line = (fields: object): string =>
  JSON.stringify({ level: 30, time: 0, node: "host-b", pool: "main", ...fields });

const told: [string, string, string, string][] = [
  [
    "that a host serves, with why and how fast",
    line({ msg: "serving", from: "taking-over", to: "primary", epoch: 3, reason: "order", phasesMs: { total: 41.2 } }),
    "serving",
    "host-b serves pool main in epoch 3 (order, takeover 41 ms)",
  ],
  [
    "a change of role",
    line({ msg: "role changed", from: "standby", to: "taking-over", reason: "refused", slot: 9 }),
    "news",
    "host-b is taking-over in pool main (refused)",
  ],
  [
    "a fence",
    line({ msg: "newest fence", epoch: 3, owner: "host-b", slot: 12 }),
    "news",
    "the newest fence of pool main is host-b's, epoch 3, slot 12",
  ],
  [
    "an alarm",
    line({ level: 50, msg: "alarm", code: "HS_POOL_STUCK", slot: 4, reason: "x" }),
    "trouble",
    "host-b: alarm of pool main at slot 4: x (HS_POOL_STUCK)",
  ],
  [
    "that a proxy is silent for good",
    line({ event: "proxy", proxy: "proxy-2", from: "suspect", state: "dead" }),
    "trouble",
    "proxies see proxy-2 dead",
  ],
  [
    "whose clock is distrusted, by whomever it is told",
    line({ event: "quarantine", node: "host-c", reason: "2 s ahead" }),
    "trouble",
    "host-c distrusts its clock (2 s ahead)",
  ],
  [
    "what operators decided",
    line({ event: "decided", revision: 4, offline: ["host-a"], maintenance: "new switch" }),
    "news",
    "revision 4 holds: offline: host-a; maintenance",
  ],
  ["the end of an alarm", line({ msg: "alarm over" }), "news", "host-b: the alarm of pool main is over"],
  [
    "that a host is down",
    line({ event: "verdict", host: "host-a", from: "up", verdict: "down", reason: "refused" }),
    "trouble",
    "proxies see host-a down (refused)",
  ],
  [
    "that a pool has no primary",
    line({ event: "pool", from: "serving", state: "waiting", cause: "refused" }),
    "trouble",
    "pool main is waiting (refused)",
  ],
  [
    "an order",
    line({ event: "ordered", host: "host-b", fence: "aa", cause: "refused" }),
    "news",
    "host-b is ordered to take over pool main (refused)",
  ],
  [
    "a refused order",
    line({ event: "order-ended", host: "host-b", outcome: "refused", reason: "offline" }),
    "news",
    "host-b did not take over pool main: refused: offline",
  ],
  [
    "where requests go, and how long they waited",
    line({ event: "served", host: "host-b", epoch: 3, phases: { totalMs: 87.4 } }),
    "news",
    "requests of pool main go to host-b, epoch 3, after 87 ms",
  ],
  [
    "a warning of any kind",
    line({ level: 40, msg: "the share is slow", reason: "2 s" }),
    "trouble",
    "host-b: the share is slow: 2 s",
  ],
  [
    "an error that carries another",
    line({ level: 50, msg: "it failed", err: { message: "no" } }),
    "trouble",
    "host-b: it failed: no",
  ],
  [
    "why a node could not start",
    "hotspare: Cannot listen on 127.0.0.1:1 (HS_PORT_TAKEN)",
    "trouble",
    "host-b: Cannot listen on 127.0.0.1:1 (HS_PORT_TAKEN)",
  ],
];

test.each(told)("a log tells %s", (_, text, kind, sentence) => {
  expect(newsOf(text, "host-b")).toMatchObject({ kind, text: sentence });
});

test.each([
  ["an ordinary line", line({ msg: "the host listens" })],
  ["a mere suspicion", line({ event: "verdict", host: "host-a", from: "up", verdict: "suspect" })],
  ["an order that is carried out", line({ event: "order-ended", host: "host-b", outcome: "accepted", reason: "" })],
  ["a line that a kill cut off", '{"level":50,"msg":"ala'],
  ["a warning of Node", "(node:1) ExperimentalWarning: SQLite is an experimental feature"],
  ["where to report", "hotspare: this should not happen; please report it"],
  ["JSON that is no log line", "null"],
])("%s is no news", (_, text) => {
  expect(newsOf(text, "host-b")).toBeNull();
});

test("a log line cannot move the cursor, nor pass for a sentence by the name of what every object has", () => {
  expect(newsOf(line({ level: 40, msg: "a\u001B[2Jb" }), "host-b")).toMatchObject({ text: "host-b: a [2Jb" });
  expect(newsOf(line({ msg: "constructor", event: "toString" }), "host-b")).toBeNull();
});

test("a line whose fields are not what they should be is told without them", () => {
  expect(newsOf(line({ msg: "serving", epoch: null, reason: {}, phasesMs: 7 }), "host-b")).toMatchObject({
    kind: "serving",
  });
});
