import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig, loadValues } from "../../../shared/config/load-config.ts";
import { TUNING } from "../../tuning.ts";
import { configOf, errorOf, EXAMPLE, temporaryFolder } from "./example-config.ts";

const folder = temporaryFolder();

describe("what holds where nothing is written", () => {
  const config = configOf(EXAMPLE);

  it("is one pool for every path, which the host with mode primary should own first", () => {
    expect(config.pools).toEqual([
      {
        id: "main",
        app: "spaces",
        writtenApp: "spaces",
        routes: [{ host: null, path: "/" }],
        preferred: ["host-b", "host-a"],
        writtenPreferred: [],
        checkpoint: { bytes: 256 * 1024 * 1024, intervalMs: 600_000, keep: 2 },
        park: { requests: 10_000, bytes: 256 * 1024 * 1024, waitMs: 30_000 },
        replay: { attempts: 2, bodyBytes: 1024 * 1024, answerBytes: 32 * 1024, policy: "keyed" },
        reads: "auto",
        idempotency: { clientMs: 86_400_000, proxyMs: 600_000 },
      },
    ]);
  });

  it("is what section 11 of the design says", () => {
    expect(config).toMatchObject({ ...TUNING, takeover: { timeoutMs: 10_000 } });
    expect(config.cleanDelayMs).toBe(600_000);
    expect(config.rejoin).toBe("auto");
    expect([config.failback, config.failbackStableMs]).toEqual(["manual", 300_000]);
    expect(config.vault.id).toBeNull();
  });

  it("is the bind address for others to reach a node, and the admin address for gossip", () => {
    expect(config.hosts[0]?.advertise).toEqual({ host: "127.0.0.1", port: 7100 });
    expect(config.proxies[0]?.advertise).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(config.proxies[0]?.gossip).toEqual({ host: "127.0.0.1", port: 8090 });
  });

  it("holds for empty keys and empty lists too", () => {
    expect(configOf(`${EXAMPLE}pools: []\nhealth:\n`)).toEqual({ ...config });
    expect(configOf(`${EXAMPLE}pools: [{ id: main, preferred: [], routes: [] }]\n`)).toEqual({ ...config });
  });

  it("never prefers a host that is no candidate", () => {
    const text = EXAMPLE.replace("mode: primary", "mode: primary, candidate: false");
    expect(configOf(text).pools[0]?.preferred).toEqual(["host-a"]);
  });

  it("lets each pool begin with another host, and those of one host go on to different ones", () => {
    const hosts = ["a", "b", "c"].map(
      (id, at) => `  - { id: ${id}, listen: "h:${at + 1}", control: "h:${at + 11}", data: ./${id} }`,
    );
    const pools = Array.from({ length: 6 }, (_, at) => `  - { id: p${at}, routes: [{ path: /p${at} }] }`);
    const text = [
      "cluster: demo",
      "secret: { file: k }",
      "vault: { directory: ./v }",
      "hosts:",
      ...hosts,
      "pools:",
      ...pools,
    ];
    expect(configOf(`${text.join("\n")}\n`).pools.map(({ preferred }) => preferred.join(""))).toEqual([
      "abc",
      "bca",
      "cab",
      "acb",
      "bac",
      "cba",
    ]);
  });
});

describe("what is written", () => {
  it("is taken relative to the file, not to the working folder", () => {
    const { vault, secret, hosts, pools } = configOf(`${EXAMPLE}pools: [{ id: main, app: ./app.ts }]\n`);
    expect([vault.directory, secret, hosts[0]?.data, pools[0]?.app]).toEqual([
      "/cluster/vault",
      { file: "/cluster/cluster.key" },
      "/cluster/data/host-a",
      "/cluster/app.ts",
    ]);
  });

  it("holds for all pools, except where a pool says otherwise", () => {
    const { pools } = configOf(
      `${EXAMPLE}park: { wait: 5s, requests: 7 }
reads: barrier
pools:
  - { id: one, routes: [{ path: /one/ }] }
  - { id: two, routes: [{ host: TWO.example }], park: { wait: 9s }, checkpoint: { keep: 5 }, reads: check }
`,
    );
    expect(pools.map(({ park }) => [park.waitMs, park.requests])).toEqual([
      [5000, 7],
      [9000, 7],
    ]);
    expect(pools.map(({ checkpoint }) => checkpoint.keep)).toEqual([2, 5]);
    expect(pools.map(({ reads }) => reads)).toEqual(["barrier", "check"]);
    expect(pools.map(({ routes }) => routes)).toEqual([
      [{ host: null, path: "/one" }],
      [{ host: "two.example", path: "/" }],
    ]);
  });

  it("may come from the environment, also where a number or a part of a text is wanted", () => {
    const text = `${EXAMPLE.replace("127.0.0.1:8080", "127.0.0.1:${PORT:-8080}")}health: { failures: "\${FAILURES:-4}", interval: "\${BEAT}" }\n`;
    const { proxies, health } = configOf(text, { BEAT: "100ms", PORT: "" });
    expect([proxies[0]?.listen.port, health.failures, health.intervalMs]).toEqual([8080, 4, 100]);
  });

  it("cannot be turned into other keys by the environment", () => {
    const text = EXAMPLE.replace("./data/host-a", '"${DATA}"');
    const data = "./x, mode: primary }\ncluster: other";
    expect(configOf(text, { DATA: data }).hosts[0]).toMatchObject({
      data: `/cluster/${data.slice(2)}`,
      mode: "restore",
    });
  });

  it("keeps a ${ that is doubled", () => {
    expect(configOf(EXAMPLE.replace("./vault", () => '"./$${x}"')).vault.directory).toBe("/cluster/${x}");
  });

  it("may be an id that YAML takes for a number", () => {
    const id = `0123e${"4".repeat(27)}`;
    const { vault, hosts } = configOf(
      EXAMPLE.replace("./vault", `./vault, id: ${id}`).replace("id: host-a", "id: 007"),
    );
    expect([vault.id, hosts[0]?.id]).toEqual([id, "007"]);
  });

  it("is a hook: a command or a webhook, at one moment or several, of all pools or some", () => {
    const { hooks } = configOf(
      `${EXAMPLE}hooks:
  - { on: primary, command: [./take.sh, "5"] }
  - { on: [fenced, standby], url: "https://example.org/\${NAME}", secret: { file: hook.key }, timeout: 2s, pools: [main] }
`,
      { NAME: "a" },
    );
    expect(hooks).toEqual([
      {
        name: "hooks[0]",
        on: ["primary"],
        action: { type: "command", command: ["/cluster/take.sh", "5"] },
        timeoutMs: 10_000,
        pools: null,
      },
      {
        name: "hooks[1]",
        on: ["fenced", "standby"],
        action: { type: "webhook", url: "https://example.org/a", secret: { file: "/cluster/hook.key" } },
        timeoutMs: 2000,
        pools: ["main"],
      },
    ]);
  });

  it("may use anchors", () => {
    const text = EXAMPLE.replace("secret:", "health: &beat { interval: 1s }\nsecret:");
    expect(configOf(text).health.intervalMs).toBe(1000);
  });
});

describe("the hash", () => {
  const { hash } = configOf(EXAMPLE);
  const sameAs = (text: string): boolean => configOf(text).hash === hash;

  it("is the same however the settings are written", () => {
    expect(sameAs(`# a comment\n${EXAMPLE}health: { failures: 3 }\ncleanDelay: 600s\n`)).toBe(true);
    expect(sameAs(EXAMPLE.replace("cluster: demo\n", "").concat("cluster: demo\n"))).toBe(true);
  });

  it("leaves out where certificates lie, but not whether there is TLS, and for both sides", () => {
    const withTls = (text: string): string => configOf(`${EXAMPLE}tls: { data: ${text} }\n`).hash;
    const one = withTls("{ cert: a, key: b }");
    expect(withTls("{ cert: /x/c, key: /x/d }")).toBe(one);
    expect(new Set([hash, one, withTls("{ cert: a, key: b, ca: c }")]).size).toBe(3);
  });

  it("leaves out what may differ from machine to machine", () => {
    expect(sameAs(EXAMPLE.replace("./vault", "/mnt/vault"))).toBe(true);
    expect(sameAs(EXAMPLE.replace("./data/host-a", "/srv/data"))).toBe(true);
    expect(sameAs(EXAMPLE.replace("mode: primary", "mode: primary, vault: /mnt/b"))).toBe(true);
    expect(sameAs(EXAMPLE.replace("{ file: cluster.key }", "{ env: HOTSPARE_SECRET }"))).toBe(true);
    expect(sameAs(`${EXAMPLE}hooks: [{ on: primary, command: [sh] }]\n`)).toBe(true);
  });

  it.each([
    ["an address", EXAMPLE.replace("7100", "7102")],
    ["a tunable", `${EXAMPLE}cleanDelay: 11m\n`],
    ["the vault's identity", EXAMPLE.replace("./vault", `./vault, id: ${"a".repeat(32)}`)],
    ["the order of preference", `${EXAMPLE}pools: [{ id: main, preferred: [host-a, host-b] }]\n`],
  ])("shows that nodes differ in %s", (_, text) => expect(sameAs(text)).toBe(false));
});

describe("the file", () => {
  it("that is absent is named, and how to make one", () => {
    const error = errorOf(() => loadConfig(join(folder, "none.yaml"), {}));
    expect(error.code).toBe("HS_CONFIG_UNREADABLE");
    expect(error.exit).toBe(78);
    expect(error.message).toContain(join(folder, "none.yaml"));
    expect(error.message).toContain("hotspare init");
  });

  it("that is no text is refused", () => {
    const file = join(folder, "binary.yaml");
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00, 0x80]));
    expect(errorOf(() => loadConfig(file, {})).code).toBe("HS_CONFIG_UNREADABLE");
  });

  it("shows for every key where its value comes from", () => {
    const file = join(folder, "shown.yaml");
    writeFileSync(file, EXAMPLE);
    const rows = new Map(
      loadValues(file, {})
        .show()
        .map((row) => [row.path, row]),
    );
    expect(rows.get("hosts[1].mode")).toEqual({ path: "hosts[1].mode", value: "primary", from: "line 8" });
    expect(rows.get("hosts[0].mode")).toEqual({ path: "hosts[0].mode", value: "restore", from: "default" });
    expect(rows.get("proxies[0].gossip")).toEqual({ path: "proxies[0].gossip", value: null, from: "as `admin`" });
  });
});
