/** Every way in which a configuration is wrong is refused, naming line, key, what was found and what is accepted. */
import { describe, expect, it } from "vitest";
import { EXAMPLE, FILE, refusalOf } from "./example-config.ts";

interface Case {
  readonly text: string;
  readonly line: number;
  readonly key: string;
  readonly found: string;
  readonly accepted: string;
}

const swap = (from: string, to: string): string => {
  if (!EXAMPLE.includes(from)) throw new Error(`the example has no ${from}`);
  return EXAMPLE.replace(from, to);
};
const add = (text: string): string => `${EXAMPLE}${text}\n`;

const TWO_PROXIES = swap("hosts:", '  - { id: proxy-2, listen: "127.0.0.1:8081", admin: "127.0.0.1:8091" }\nhosts:');

const CASES: Readonly<Record<string, Case>> = {
  "a key that is missing": {
    text: swap("cluster: demo\n", ""),
    line: 1,
    key: "cluster",
    found: "nothing",
    accepted: "1 to 63",
  },
  "a whole section that is missing": {
    text: swap("vault: { directory: ./vault }\n", ""),
    line: 1,
    key: "vault.directory",
    found: "nothing",
    accepted: "a path",
  },
  "a misspelt section": {
    text: add("helth: { failures: 3 }"),
    line: 9,
    key: "helth",
    found: "an unknown key",
    accepted: "health",
  },
  "a misspelt key": {
    text: add("health:\n  failures: 3\n  intervall: 1s"),
    line: 11,
    key: "health.intervall",
    found: "an unknown key",
    accepted: "interval (did you mean it?)",
  },
  "a key that nobody can have meant": {
    text: add("health: { zebra: 1 }"),
    line: 9,
    key: "health.zebra",
    found: "an unknown key",
    accepted: "interval, timeout, failures, hang, grace",
  },
  "a duration without a unit": {
    text: add("cleanDelay: 600"),
    line: 9,
    key: "cleanDelay",
    found: "600",
    accepted: "a duration",
  },
  "a number out of its bounds": {
    text: add("replay: { attempts: 3 }"),
    line: 9,
    key: "replay.attempts",
    found: "3",
    accepted: "from 1 to 2",
  },
  "a fraction": {
    text: add("park: { requests: 1.5 }"),
    line: 9,
    key: "park.requests",
    found: "1.5",
    accepted: "whole number",
  },
  "a decimal size": {
    text: add("park: { bytes: 256MB }"),
    line: 9,
    key: "park.bytes",
    found: '"256MB"',
    accepted: "MiB",
  },
  "an empty value": { text: add("cleanDelay:"), line: 9, key: "cleanDelay", found: "nothing", accepted: "a duration" },
  "a word that is none of the choices": {
    text: add("rejoin: never"),
    line: 9,
    key: "rejoin",
    found: '"never"',
    accepted: "auto or manual",
  },
  "a list where a mapping belongs": {
    text: add("health: [1]"),
    line: 9,
    key: "health",
    found: "a list",
    accepted: "a mapping",
  },
  "a mapping where a list belongs": {
    text: add("pools: { id: main }"),
    line: 9,
    key: "pools",
    found: "a mapping",
    accepted: "a list",
  },
  "a mapping where a value belongs": {
    text: add("rejoin: { a: 1 }"),
    line: 9,
    key: "rejoin",
    found: "a mapping",
    accepted: "auto or manual",
  },
  "an id that could not be a file name": {
    text: swap("host-a,", "../a,"),
    line: 7,
    key: "hosts[0].id",
    found: '"../a"',
    accepted: "a-z",
  },
  "an address without a port": {
    text: swap("127.0.0.1:7100", "127.0.0.1"),
    line: 7,
    key: "hosts[0].listen",
    found: '"127.0.0.1"',
    accepted: "host:port",
  },
  "a host without data": {
    text: swap(", data: ./data/host-a", ""),
    line: 7,
    key: "hosts[0].data",
    found: "nothing",
    accepted: "a path",
  },
  "no hosts": {
    text: EXAMPLE.slice(0, EXAMPLE.indexOf("hosts:")),
    line: 1,
    key: "hosts",
    found: "no hosts",
    accepted: "at least one",
  },
  "two hosts of one id": {
    text: swap("host-b", "host-a"),
    line: 8,
    key: "hosts[1].id",
    found: "host-a of both host host-a and host host-a",
    accepted: "no other node",
  },
  "a host named as a proxy": {
    text: swap("id: host-b", "id: proxy-1"),
    line: 8,
    key: "hosts[1].id",
    found: "proxy proxy-1 and host proxy-1",
    accepted: "no other node",
  },
  "two listeners on one address": {
    text: swap("127.0.0.1:7111", "127.0.0.1:7100"),
    line: 8,
    key: "hosts[1].control",
    found: "127.0.0.1:7100 of both host host-a and host host-b",
    accepted: "no other listener",
  },
  "proxies on several machines, one of which gossips on loopback": {
    text: TWO_PROXIES.replaceAll(/listen: "127.0.0.1:808(\d)"/g, 'listen: "10.0.0.$1:80"'),
    line: 5,
    key: "proxies[0].gossip",
    found: "127.0.0.1:8090",
    accepted: "an address at which the proxies on other machines reach this one",
  },
  "two nodes reached at one address": {
    text: EXAMPLE.replaceAll(/(listen: "127.0.0.1:71\d0")/g, '$1, advertise: "10.0.0.1:80"'),
    line: 8,
    key: "hosts[1].advertise",
    found: "10.0.0.1:80 of both host host-a and host host-b",
    accepted: "no other node",
  },
  "a wildcard that nobody can reach": {
    text: swap("127.0.0.1:7100", "0.0.0.0:7100"),
    line: 7,
    key: "hosts[0].advertise",
    found: "0.0.0.0:7100",
    accepted: "other machines",
  },
  "data inside the vault": {
    text: swap("./data/host-a", "./vault/a"),
    line: 7,
    key: "hosts[0].data",
    found: "/cluster/vault/a",
    accepted: "outside the vault",
  },
  "data inside the host's own mount of the vault": {
    text: swap("./data/host-a", "/mnt/v/../v/a, vault: /mnt/v"),
    line: 7,
    key: "hosts[0].data",
    found: "/mnt/v/a",
    accepted: "outside the vault /mnt/v",
  },
  "two hosts of one machine on one data folder": {
    text: swap("./data/host-b", "./data/host-a"),
    line: 8,
    key: "hosts[1].data",
    found: "both host host-a and host host-b",
    accepted: "no other host",
  },
  "a preferred host that does not exist": {
    text: add("pools: [{ id: main, preferred: [host-c] }]"),
    line: 9,
    key: "pools[0].preferred",
    found: "host-c",
    accepted: "host-a, host-b",
  },
  "a preferred host that may not be primary": {
    text: `${swap("./data/host-a", "./data/host-a, candidate: false")}pools: [{ id: main, preferred: [host-a] }]`,
    line: 9,
    key: "pools[0].preferred",
    found: "host-a",
    accepted: "host-b",
  },
  "two pools of one id": {
    text: add("pools:\n  - { id: a }\n  - { id: a, routes: [{ path: /a }] }"),
    line: 11,
    key: "pools[1].id",
    found: "pool a",
    accepted: "no other pool",
  },
  "two pools for the same requests": {
    text: add("pools:\n  - { id: one, routes: [{ path: /x }] }\n  - { id: two, routes: [{ path: /x/ }] }"),
    line: 11,
    key: "pools[1].routes[0].path",
    found: "/x of both pool one and pool two",
    accepted: "no other route",
  },
  "a route with parts that a client may write otherwise": {
    text: add("pools: [{ id: a, routes: [{ path: /a/../b }] }]"),
    line: 9,
    key: "pools[0].routes[0].path",
    found: '"/a/../b"',
    accepted: "begins with /",
  },
  "a module that looks like a package": {
    text: add("pools: [{ id: a, app: app.ts }]"),
    line: 9,
    key: "pools[0].app",
    found: '"app.ts"',
    accepted: "./",
  },
  "requests that wait longer than their keys live": {
    text: add("park: { wait: 20m }"),
    line: 1,
    key: "idempotency.proxy",
    found: "10m",
    accepted: "more than park.wait, which is 20m",
  },
  "a certificate without a key": {
    text: add("tls:\n  data: { cert: node.crt }"),
    line: 10,
    key: "tls.data.key",
    found: "nothing",
    accepted: "needs both cert and key",
  },
  "a CA alone": {
    text: add("tls: { public: { ca: ca.crt } }"),
    line: 9,
    key: "tls.public.cert",
    found: "nothing",
    accepted: "needs both cert and key",
  },
  "gossip on an admin address that has TLS by itself": {
    text: `${TWO_PROXIES}tls: { admin: { cert: a, key: b } }`,
    line: 5,
    key: "proxies[0].gossip",
    found: "other TLS than tls.control",
    accepted: "a gossip address of its own",
  },
  "gossip on an admin address that trusts another CA": {
    text: `${TWO_PROXIES}tls: { admin: { cert: a, key: b, ca: c }, control: { cert: a, key: b, ca: d } }`,
    line: 5,
    key: "proxies[0].gossip",
    found: "other TLS than tls.control",
    accepted: "same ca",
  },
  "a hook at a moment that there is not": {
    text: add("hooks: [{ on: failover, command: [true] }]"),
    line: 9,
    key: "hooks[0].on",
    found: '"failover"',
    accepted: "before-handover, primary, fenced, standby, offline",
  },
  "a hook at no moment": {
    text: add("hooks: [{ on: [], command: [sh] }]"),
    line: 9,
    key: "hooks[0].on",
    found: "a list",
    accepted: "one of before-handover",
  },
  "a hook that would need a shell": {
    text: add('hooks: [{ on: primary, command: "ip addr add" }]'),
    line: 9,
    key: "hooks[0].command",
    found: '"ip addr add"',
    accepted: "the program first",
  },
  "a hook that does nothing": {
    text: add("hooks:\n  - { on: primary, command: [sh] }\n  - { on: primary }"),
    line: 11,
    key: "hooks[1].command",
    found: "nothing",
    accepted: "a command or a url",
  },
  "a hook that is a command and a webhook": {
    text: add("hooks: [{ on: primary, command: [sh], url: https://example.org }]"),
    line: 9,
    key: "hooks[0].url",
    found: "command and url",
    accepted: "one of the two",
  },
  "a webhook that nobody could verify": {
    text: add("hooks: [{ on: primary, url: https://example.org }]"),
    line: 9,
    key: "hooks[0].secret.file",
    found: "nothing",
    accepted: "secret.file or secret.env",
  },
  "a webhook with two keys": {
    text: add("hooks: [{ on: primary, url: https://example.org, secret: { file: a, env: B } }]"),
    line: 9,
    key: "hooks[0].secret.env",
    found: "secret.file and secret.env",
    accepted: "one of the two",
  },
  "a command with a key": {
    text: add("hooks: [{ on: primary, command: [sh], secret: { env: B } }]"),
    line: 9,
    key: "hooks[0].secret.file",
    found: "a secret beside a command",
    accepted: "beside a url",
  },
  "a webhook that anybody on the way could read": {
    text: add("hooks: [{ on: primary, url: http://example.org/, secret: { env: B } }]"),
    line: 9,
    key: "hooks[0].url",
    found: "not shown",
    accepted: "an https URL",
  },
  "a hook of a pool that there is not": {
    text: add("hooks: [{ on: primary, command: [sh], pools: [main, shop] }]"),
    line: 9,
    key: "hooks[0].pools",
    found: "shop",
    accepted: "pools that there are: main",
  },
  "a hook that may take for ever": {
    text: add("hooks: [{ on: primary, command: [sh], timeout: 0 }]"),
    line: 9,
    key: "hooks[0].timeout",
    found: "0",
    accepted: "a duration (ms, s, m, h, d) from 100ms to 10m",
  },
  "a variable that is not set": {
    text: swap("./vault", '"${VAULT}"'),
    line: 3,
    key: "vault.directory",
    found: "${VAULT}, which is not set",
    accepted: "${VAULT:-default}",
  },
  "a placeholder that never ends": {
    text: swap("./vault", '"${VAULT"'),
    line: 3,
    key: "vault.directory",
    found: "${VAULT",
    accepted: "${NAME}",
  },
  "two secrets": {
    text: swap("cluster.key }", "cluster.key, env: SECRET }"),
    line: 2,
    key: "secret.env",
    found: "secret.file and secret.env",
    accepted: "one of the two",
  },
  "a key given twice": { text: add("cluster: other"), line: 9, key: "(syntax)", found: "unique", accepted: "YAML" },
  "an unquoted variable inside braces": {
    text: add("health: { failures: ${N:-3} }"),
    line: 9,
    key: "(syntax)",
    found: "",
    accepted: "needs quotes",
  },
  "two documents": {
    text: add("---\ncluster: b"),
    line: 9,
    key: "(syntax)",
    found: "multiple documents",
    accepted: "YAML",
  },
  "a text instead of a configuration": {
    text: "hello",
    line: 1,
    key: "(the whole file)",
    found: "a single value",
    accepted: "a mapping",
  },
  "an empty file": { text: "", line: 1, key: "cluster", found: "nothing", accepted: "1 to 63" },
  "a list that contains itself": {
    text: add("pools: [{ id: a, preferred: &x [*x] }]"),
    line: 9,
    key: "pools[0].preferred",
    found: "",
    accepted: "a list of host ids",
  },
  "more entries than any cluster has": {
    text: add(`pools: [${"{id: a},".repeat(1025)}]`),
    line: 9,
    key: "pools",
    found: "1025 entries",
    accepted: "at most 1024",
  },
};

describe("a configuration is refused for", () => {
  it.each(Object.entries(CASES))("%s", (_, { text, line, key, found, accepted }) => {
    const error = refusalOf(text);
    expect(error.code).toBe("HS_CONFIG_INVALID");
    expect(error.exit).toBe(78);
    expect(error.details).toMatchObject({ file: FILE, line, key });
    expect(error.details["found"]).toContain(found);
    expect(error.details["accepted"]).toContain(accepted);
    expect(error.message).not.toContain("\n");
  });

  it("a misplaced secret without showing it", () => {
    const secret = "5ec2e7".repeat(11);
    for (const written of [secret, `{ env: ${secret} }`, `[${secret}]`, `{ file: [${secret}] }`]) {
      expect(refusalOf(swap("{ file: cluster.key }", written)).message).not.toContain(secret);
      const hook = `hooks: [{ on: primary, url: https://example.org, secret: ${written} }]`;
      if (written !== `[${secret}]`) expect(refusalOf(add(hook)).message).not.toContain(secret);
    }
    const url = `https://user:${secret}@example.org`;
    expect(refusalOf(add(`hooks: [{ on: primary, url: "${url}", secret: { env: A } }]`)).message).not.toContain(secret);
  });
});

describe("a configuration is accepted with", () => {
  it.each([
    [
      "the same data folder on two machines",
      EXAMPLE.replaceAll(/\.\/data\/host-[ab]/g, "/srv/data").replace("127.0.0.1:7110", "10.0.0.2:7110"),
    ],
    ["TLS on the admin address of the only proxy", add("tls: { admin: { cert: a, key: b } }")],
    [
      "gossip on an admin address with the same CA",
      `${TWO_PROXIES}tls: { admin: { cert: a, key: b, ca: c }, control: { cert: d, key: e, ca: c } }`,
    ],
    ["gossip on the admin address", EXAMPLE.replace("127.0.0.1:8090", '127.0.0.1:8090", gossip: "127.0.0.1:8090')],
    [
      "the same wildcard port on two machines",
      EXAMPLE.replace('"127.0.0.1:7100"', '"0.0.0.0:80", advertise: "10.0.0.1:80"').replace(
        '"127.0.0.1:7110"',
        '"0.0.0.0:80", advertise: "10.0.0.2:80"',
      ),
    ],
  ])("%s", (_, text) => expect(() => refusalOf(text)).toThrow("it was accepted"));
});
