/** What of a changed file a node takes while it runs, and what waits for its restart. */
import { describe, expect, it } from "vitest";
import type { Config } from "../../../shared/config/config.ts";
import { changedPaths, flatConfig } from "../../../shared/config/flat-config.ts";
import { HOOK_SETTINGS } from "../../../shared/config/hook-settings.ts";
import { LIVE_KEYS, type ConfigOwner } from "../../../shared/config/live-keys.ts";
import { runningConfig } from "../../../shared/config/running-config.ts";
import { POOL_SETTINGS, SETTINGS } from "../../../shared/config/settings.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { configOf } from "./example-config.ts";

const TLS = "tls: { control: { cert: c.pem, key: k.pem } }";
const BASE = `cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies:
  - { id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:8090", gossip: "127.0.0.1:8092" }
  - { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091", gossip: "127.0.0.1:8093" }
hosts:
  - { id: host-a, listen: "127.0.0.1:7100", control: "127.0.0.1:7101", data: ./data/host-a }
  - { id: host-b, listen: "127.0.0.1:7110", control: "127.0.0.1:7111", data: ./data/host-b }
pools:
  - { id: main, app: ./app.ts, routes: [{ path: / }], preferred: [host-b] }
health: { interval: 250ms }
`;
const proxy: ConfigOwner = { kind: "proxy", id: parseNodeId("proxy-1") };
const host: ConfigOwner = { kind: "host", id: parseNodeId("host-a") };
const base = configOf(BASE);

/** What changes for the node, and what waits, where this is written in the place of that. */
function edited(owner: ConfigOwner, from: string, to: string) {
  expect(BASE).toContain(from);
  const after = configOf(BASE.replace(from, to));
  const { config, pendingRestart } = runningConfig(base, after, owner);
  return { taken: changedPaths(base, config), waits: pendingRestart, config, after };
}

const HOST_C = '  - { id: host-c, listen: "127.0.0.1:7120", control: "127.0.0.1:7121", data: ./data/host-c }\npools:';
const POOL_2 = "preferred: [host-b] }\n  - { id: second, routes: [{ path: /second }] }";

describe("a changed file", () => {
  it.each([
    ["a figure", proxy, "250ms", "500ms", ["health.interval"], []],
    ["a figure", host, "250ms", "500ms", ["health.interval"], []],
    ["a host that is new", proxy, "pools:", HOST_C, expect.arrayContaining(["hosts[host-c].listen"]), []],
    ["a host that is new", host, "pools:", HOST_C, expect.arrayContaining(["hosts[host-c].control"]), []],
    ["another host's address", proxy, "7101", "7999", ["hosts[host-a].control"], []],
    ["the own control address", host, "7101", "7999", [], ["hosts[host-a].control"]],
    ["another host's control address", host, "7111", "7999", ["hosts[host-b].control"], []],
    ["the own listener", proxy, "8080", "8999", ["proxies[proxy-1].advertise"], ["proxies[proxy-1].listen"]],
    ["a pool that is new", host, "preferred: [host-b] }", POOL_2, [], ["pools[second]"]],
    ["a pool that is new", proxy, "preferred: [host-b] }", POOL_2, expect.arrayContaining(["pools[second].app"]), []],
    ["the application", host, "./app.ts", "./other.ts", [], ["pools[main].app"]],
    ["a route", host, "path: /", "path: /there", ["pools[main].routes[0].path"], []],
    ["the order of preference", host, "[host-b]", "[host-a]", ["pools[main].preferred"], []],
    ["the cluster's name", proxy, "cluster: demo", "cluster: other", [], ["cluster"]],
    ["certificates", host, "health:", `${TLS}\nhealth:`, [], ["tls.control"]],
    ["the secret", proxy, "{ file: cluster.key }", "{ env: SECRET }", [], ["secret"]],
  ] as const)("with %s, of a %o", (_, owner, from, to, taken, waits) => {
    const seen = edited(owner, from, to);
    expect(seen.taken).toEqual(taken);
    expect(seen.waits).toEqual(waits);
    // Where the secret lies may differ from machine to machine.
    const isAlike = seen.waits.length === 0 || seen.waits[0] === "secret";
    expect(seen.config.hash === seen.after.hash).toBe(isAlike);
    if (seen.taken.length === 0) expect(seen.config).toEqual(base);
  });

  it("is not taken where a node is no longer in it: it runs on as what it is", () => {
    const line = BASE.split("\n").find((text) => text.includes("host-a, listen")) ?? "";
    const without = edited(host, `${line}\n`, "");
    expect(without.waits).toEqual(["hosts[host-a]"]);
    expect(without.config.hosts.map(({ id }) => id)).toContain("host-a");
    const there = edited(proxy, `${line}\n`, "");
    expect(there.waits).toEqual([]);
    expect(there.config.hosts.map(({ id }) => id)).toEqual(["host-b"]);
  });

  it("that is taken back waits for nothing any more", () => {
    const { config, waits } = edited(host, "7101", "7999");
    expect(waits).not.toEqual([]);
    expect(runningConfig(config, base, host)).toEqual({ config: base, pendingRestart: [] });
  });
});

it("of what hosts call waits for the restart of hosts alone, and nodes that differ in it agree", () => {
  const hooks = "hooks: [{ on: primary, command: [sh] }]\nhealth:";
  const [own, others] = [edited(host, "health:", hooks), edited(proxy, "health:", hooks)];
  expect([own.waits, own.config.hooks, others.waits, others.config.hooks.length]).toEqual([["hooks"], [], [], 1]);
  expect([own.after.hash, own.config.hash, others.config.hash]).toEqual([base.hash, base.hash, base.hash]);
});

describe("the flat configuration", () => {
  it("has a text for every setting, and nothing else", () => {
    const whole = configOf(`${BASE}${TLS}\n`);
    const keys = new Set(flatConfig(whole).map(({ key }) => key));
    // What holds for all pools shows in each of them.
    const missing = Object.keys(SETTINGS).filter((key) => !(key in POOL_SETTINGS) && !keys.has(key as never));
    const parts = (section: string) => [`tls.${section}.key`, `tls.${section}.ca`];
    const machine = Object.keys(HOOK_SETTINGS);
    expect(missing).toEqual(["secret.env", ...machine, ...["public", "admin", "data"].flatMap(parts)]);
  });

  it("is written as in the file", () => {
    const texts = new Map(flatConfig(base).map(({ path, text }) => [path, text]));
    expect(Object.fromEntries(texts)).toMatchObject({
      "hosts[host-a].listen": "127.0.0.1:7100",
      "pools[main].app": "./app.ts",
      "pools[main].park.bytes": "256MiB",
      "pools[main].park.requests": "10000",
      "pools[main].replay.body": "1MiB",
      "pools[main].routes[0].host": "none",
      cleanDelay: "10m",
      rejoin: "auto",
      "tls.public.cert": "none",
    });
  });
});

it("every key that the hash is of makes another hash, so that nodes see that they differ", () => {
  const change = (config: Config): Config => ({ ...config, takeover: { timeoutMs: config.takeover.timeoutMs + 1 } });
  expect(runningConfig(base, change(base), proxy).config.hash).not.toBe(base.hash);
  expect(Object.keys(LIVE_KEYS)).toEqual(expect.arrayContaining(Object.keys(SETTINGS)));
});
