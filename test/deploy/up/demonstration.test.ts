import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LiveLine } from "../../../deploy/cli/live-line.ts";
import { Demonstration, type DemonstratedNode } from "../../../deploy/cli/up/demonstration.ts";
import { UpReport } from "../../../deploy/cli/up/up-report.ts";
import type { CommandContext } from "../../../deploy/cli/command.ts";
import { sameSockets, systemSockets } from "../../../shared/sockets.ts";
import { configOf, EXAMPLE } from "../../shared/config/example-config.ts";
import { until } from "../../until.ts";
import { chance, MAIN } from "../console.ts";

/** A proxy's admin listener that says who is primary. */
let primary: string | null = "host-a";
let server: Server;
let shown: string[];
let said: string[];
let press: (key: string) => void;
let quits: number;
let due: { atMs: number; run: () => void }[];
let nowMs: number;
let demonstration: Demonstration;
const nodes = new Map<string, FakeNode>();

class FakeNode implements DemonstratedNode {
  readonly id: string;
  paused = false;
  kills = 0;

  constructor(id: string) {
    this.id = id;
    nodes.set(id, this);
  }
  kill(): boolean {
    this.kills += 1;
    return true;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

beforeEach(async () => {
  [primary, shown, said, quits, due, nowMs] = ["host-a", [], [], 0, [], 0];
  nodes.clear();
  server = createServer((_, response) => {
    const pools = [{ id: "main", state: "serving", epoch: 1, primary, slot: 1, standbys: [], parked: 0 }];
    response.end(JSON.stringify({ cluster: "demo", pools, hosts: [] }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = server.address() as AddressInfo;
  const clock = {
    monotonicMs: () => nowMs,
    wallMs: () => 0,
    after: (delayMs: number, run: () => void) => {
      const entry = { atMs: nowMs + delayMs, run };
      due.push(entry);
      return () => void (due = due.filter((other) => other !== entry));
    },
  };
  const context: CommandContext = {
    env: {},
    clock,
    random: chance,
    print: (text) => void said.push(text),
    warn: () => {},
    ask: null,
    screen: { columns: 80, write: (text) => void shown.push(text) },
    keyboard: { listen: (pressed) => ((press = pressed), () => {}) },
    colours: false,
    program: [process.execPath, MAIN],
  };
  const live = new LiveLine(context);
  const all = [new FakeNode("host-a"), new FakeNode("host-b")];
  demonstration = new Demonstration({
    load: {
      counts: { acknowledged: 12_345, failed: 0, failure: null, lastPauseMs: 87, longestPauseMs: 99, quietMs: 3 },
    },
    nodes: { all, find: (id) => nodes.get(id) ?? null },
    config: configOf(EXAMPLE.replace("127.0.0.1:8090", `127.0.0.1:${port}`)),
    sockets: sameSockets(systemSockets),
    context,
    live,
    report: new UpReport(context, live, {}),
    quit: () => (quits += 1),
  });
  demonstration.start();
});

afterEach(async () => {
  demonstration.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function pass(ms: number): void {
  nowMs += ms;
  for (const entry of due.filter(({ atMs }) => atMs <= nowMs)) {
    due = due.filter((other) => other !== entry);
    entry.run();
  }
}

const node = (id: string): FakeNode => nodes.get(id)!;

test("one live line that fits a terminal tells what was acknowledged, what failed, the last pause and the keys", () => {
  const text = shown.at(-1)?.replace("\r\u001B[2K", "");
  expect(text).toBe("acknowledged 12345  failed 0  last pause 87 ms   k kill -9 · z pause · q stop");
});

test("k kills the primary once, however often it is pressed before that is known", async () => {
  press("k");
  press("k");
  await until(() => node("host-a").kills > 0);
  expect([node("host-a").kills, node("host-b").kills]).toEqual([1, 0]);
});

test("z pauses the primary, and z once more lets it go on, not the one that serves meanwhile", async () => {
  press("z");
  await until(() => node("host-a").paused);
  primary = "host-b";
  press("z");
  expect([node("host-a").paused, node("host-b").paused]).toEqual([false, false]);
});

test("a paused primary goes on by itself a moment after another host serves", async () => {
  press("z");
  await until(() => node("host-a").paused);
  demonstration.served(node("host-a"));
  pass(5000);
  expect(node("host-a").paused).toBe(true);
  demonstration.served(node("host-b"));
  pass(2000);
  expect(node("host-a").paused).toBe(false);
});

test("a key while nobody serves harms nobody, and says so", async () => {
  primary = null;
  press("k");
  await until(() => said.some((text) => text.includes("no primary")));
  expect([node("host-a").kills, node("host-b").kills]).toEqual([0, 0]);
});

test.each(["q", "\u0003"])("%j stops", (key) => {
  press(key);
  expect(quits).toBe(1);
});
