/** What each node runs with against the file, and what is said of nodes that cannot be asked. */
import Fastify, { type FastifyInstance } from "fastify";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { configurationAnswer } from "../../shared/config/configuration-answer.ts";
import type { ConfigStanding } from "../../shared/config/config-standing.ts";
import { configOf, loadConfig } from "../../shared/config/load-config.ts";
import { parseBootId, parseNodeId } from "../../shared/ids.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { mountMessages } from "../../shared/wire/message-server.ts";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare } from "./console.ts";

const folder = temporaryFolder();
const SECRET = "1".repeat(64);
const file = join(folder, "hotspare.yaml");
let nodes: FastifyInstance[];
let text: string;

/** Two nodes that run with what the test says of them; the third does not run. */
let standings: Record<string, Partial<ConfigStanding>>;

async function node(id: string, says: boolean): Promise<number> {
  const server = Fastify();
  nodes.push(server);
  await mountMessages(server, {
    self: parseNodeId(id),
    cluster: "demo",
    secret: Buffer.from(SECRET, "hex"),
    bootId: parseBootId("a".repeat(32)),
    clock: systemClock,
    handlers: says
      ? {
          configuration: async () =>
            configurationAnswer({ config: loadConfig(file, {}), problem: null, pendingRestart: [], ...standings[id] }),
        }
      : { appended: async () => ({ slot: 1 }) },
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  return (server.server.address() as AddressInfo).port;
}

async function cluster(more = "", older = false): Promise<void> {
  const [a, proxy] = [await node("host-a", true), await node("proxy-1", !older)];
  text = `cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies: [{ id: proxy-1, listen: "127.0.0.1:60001", admin: "127.0.0.1:${proxy}" }]
hosts:
  # This one is ours.
  - { id: host-a, listen: "127.0.0.1:61001", control: "127.0.0.1:${a}", data: ./data }
${more}health: { interval: 250ms }
`;
  writeFileSync(file, text);
}

const HOST_B = '  - { id: host-b, listen: "127.0.0.1:61003", control: "127.0.0.1:9", data: ./data-b }\n';
const diff = (...more: readonly string[]) =>
  hotspare(["config", "diff", "--config", file, ...more], { clock: systemClock });

beforeEach(() => {
  nodes = [];
  standings = {};
  writeFileSync(join(folder, "cluster.key"), `${SECRET}\n`, { mode: 0o600 });
});
afterEach(async () => {
  for (const server of nodes) await server.close();
});

it("that run with the file: all alike, and the secret is in no answer", async () => {
  await cluster();
  const { code, out } = await diff();
  expect([code, out]).toEqual([0, "host-a: as the file\nproxy-1: as the file"]);
  expect(
    JSON.stringify(configurationAnswer({ config: loadConfig(file, {}), problem: null, pendingRestart: [] })),
  ).not.toContain(SECRET);
});

it("that run with another one are named, key by key, with what waits for a restart and what is wrong with their file", async () => {
  await cluster();
  const other = text.replace("250ms", "500ms").replace("./data", "/elsewhere");
  standings["host-a"] = {
    config: configOf(`${other}rejoin: manual\n`, file, {}),
    pendingRestart: ["hosts[host-a].listen"],
  };
  standings["proxy-1"] = { problem: "hotspare.yaml:9: health.interval: found soon" };
  const { code, out, err } = await diff();
  expect(code).toBe(65);
  expect(err).toContain("HS_CONFIG_DIFFERS");
  expect(out.split("\n")).toEqual([
    "host-a: runs with another configuration",
    "  health.interval  runs with 500ms, the file says 250ms",
    "  rejoin           runs with manual, the file says auto",
    "  waits for a restart: hosts[host-a].listen",
    "proxy-1: runs as the file",
    "  its file is not right: hotspare.yaml:9: health.interval: found soon",
  ]);
  const { nodes: told } = JSON.parse((await diff("--json")).out) as { nodes: readonly object[] };
  expect(told[0]).toMatchObject({
    node: "host-a",
    reached: true,
    differences: [
      { key: "health.interval", runs: "500ms", file: "250ms" },
      { key: "rejoin", runs: "manual", file: "auto" },
    ],
  });
});

it("that do not know a host at all say so in one line, and one that does not run is named", async () => {
  await cluster(HOST_B);
  const without = text.replace(HOST_B, "");
  standings["host-a"] = { config: configOf(without, file, {}) };
  const { code, out } = await diff();
  expect(code).toBe(65);
  expect(out).toMatch(/^ {2}hosts\[host-b\] +runs with not there, the file says there$/m);
  expect(out).toMatch(/^host-b: cannot be asked: 127\.0\.0\.1:9: refused/m);
});

it("of which one cannot be asked and the others are alike: nobody knows", async () => {
  await cluster(HOST_B);
  const { code, err } = await diff();
  expect(code).toBe(69);
  expect(err).toContain("HS_UNREACHABLE");
});

it("of an older version cannot say", async () => {
  await cluster("", true);
  const { code, out } = await diff();
  expect([code, out]).toEqual([69, expect.stringContaining("its version does not say what it runs with")]);
});
