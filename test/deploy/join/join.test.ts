/** A machine joins: what it is given, what it writes, what it refuses, and how it goes on after it was interrupted. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { Authority } from "../../certificates.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { hotspare } from "../console.ts";
import { invitingCluster, textOf, write, type InvitingCluster } from "./inviting-cluster.ts";

const folder = temporaryFolder();
const authority = new Authority("ours");
afterAll(() => authority.remove());

/** What `join` left on the new machine; the share was there before. */
const filesOf = ({ machine }: InvitingCluster): readonly string[] =>
  readdirSync(machine)
    .filter((name) => name !== "vault")
    .sort();

const ENTRY = (machine: string): string =>
  `  - { id: host-d, listen: "127.0.0.1:7130", control: "127.0.0.1:7131", data: ${machine}/data/host-d }\n`;

describe("a machine that joins", () => {
  it("has the configuration with its own entry, the secret for its owner alone, and is registered", async () => {
    const cluster = await invitingCluster(folder);
    const { machine, config } = cluster;
    const { token } = await cluster.invite();
    const { code, out } = await cluster.join(token);
    expect([code, filesOf(cluster)]).toEqual([0, ["cluster.key", "hotspare.yaml"]]);
    expect(out).toContain(`hotspare host --id host-d --config ${machine}/hotspare.yaml`);
    expect(textOf(machine, "hotspare.yaml")).toBe(`${textOf(config.file)}${ENTRY(machine)}`);
    expect(textOf(machine, "cluster.key").trim()).toBe(cluster.secret);
    expect(["cluster.key", "hotspare.yaml"].map((name) => statSync(join(machine, name)).mode & 0o777)).toEqual([
      0o600, 0o644,
    ]);
    expect(cluster.decisions()).toMatchObject({
      revision: 1,
      added: [{ kind: "host", id: "host-d", candidate: true }],
    });
    expect(cluster.welcomed).toEqual(["host-d"]);
    const own = loadConfig(join(machine, "hotspare.yaml"), {});
    expect(own.hash).toBe(effectiveConfig(config, cluster.decisions()).hash);
  });

  it("writes where the vault is mounted there", async () => {
    const cluster = await invitingCluster(folder);
    const mount = join(cluster.machine, "mnt");
    symlinkSync(cluster.config.vault.directory, mount);
    rmSync(join(cluster.machine, "vault"));
    const { token } = await cluster.invite();
    expect(await cluster.join(token, "--vault", mount, "--no-candidate")).toMatchObject({ code: 0 });
    expect(loadConfig(join(cluster.machine, "hotspare.yaml"), {}).hosts[1]).toMatchObject({
      vault: mount,
      candidate: false,
    });
  });

  it("is a proxy if it says so, and needs no vault", async () => {
    const cluster = await invitingCluster(folder);
    rmSync(join(cluster.machine, "vault"));
    const { token } = await cluster.invite();
    const own = ["--proxy", "--id", "proxy-2", "--listen", "127.0.0.1:8081", "--admin", "127.0.0.1:8091"];
    const { code, out } = await cluster.join(token, ...own, "--json");
    const file = join(cluster.machine, "hotspare.yaml");
    expect([code, JSON.parse(out)]).toMatchObject([0, { node: "proxy-2", kind: "proxy", file, revision: 1 }]);
    expect(loadConfig(file, {}).proxies.map(({ id }) => id)).toEqual(["proxy-1", "proxy-2"]);
    expect(cluster.decisions().added).toMatchObject([{ kind: "proxy", gossip: "127.0.0.1:8091" }]);
  });

  it("joins by mutual TLS", async () => {
    const tls = authority.issue("node");
    const cluster = await invitingCluster(folder, { tls });
    const { token } = await cluster.invite();
    const files = ["--tls-cert", tls.cert, "--tls-key", tls.key, "--tls-ca", tls.ca];
    expect(await cluster.join(token)).toMatchObject({ code: 69 });
    expect(await cluster.join(token, ...files)).toMatchObject({ code: 0, err: "" });
  });

  it("gets no secret where the cluster has it in a variable, and must have that too", async () => {
    const env = { SECRET: "5e".repeat(32) };
    const cluster = await invitingCluster(folder, { secretVariable: "SECRET", env });
    const { token } = await cluster.invite();
    expect(await cluster.join(token)).toMatchObject({ code: 0 });
    expect(filesOf(cluster)).toEqual(["hotspare.yaml"]);
  });

  it("changes nothing with --dry-run, and the token is good afterwards", async () => {
    const cluster = await invitingCluster(folder);
    const { token } = await cluster.invite();
    expect((await cluster.join(token, "--dry-run")).out).toContain("host host-d would join the cluster demo");
    expect([filesOf(cluster), cluster.decisions().revision, cluster.welcomed]).toEqual([[], 0, []]);
    expect(await cluster.join(token)).toMatchObject({ code: 0 });
  });

  it("is registered beside others that join at the same moment", async () => {
    const cluster = await invitingCluster(folder);
    const machines = ["e", "f", "g"].map((name, at) => {
      const home = join(cluster.machine, name);
      mkdirSync(home);
      symlinkSync(cluster.config.vault.directory, join(home, "vault"));
      const port = 7140 + at * 10;
      return [
        "--id",
        `host-${name}`,
        "--listen",
        `127.0.0.1:${port}`,
        "--control",
        `127.0.0.1:${port + 1}`,
        "--config",
        join(home, "hotspare.yaml"),
      ];
    });
    const ends = await Promise.all(machines.map(async (own) => cluster.join((await cluster.invite()).token, ...own)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(
      cluster
        .decisions()
        .added.map(({ id }) => id)
        .sort(),
    ).toEqual(["host-e", "host-f", "host-g"]);
  });
});

describe("after an interruption another token completes it", () => {
  it.each<readonly [string, (cluster: InvitingCluster) => void]>([
    ["before the registration", () => undefined],
    ["before the configuration", ({ machine }) => rmSync(join(machine, "hotspare.yaml"))],
    [
      "before the secret",
      ({ machine }) => ["hotspare.yaml", "cluster.key"].forEach((name) => rmSync(join(machine, name))),
    ],
  ])("%s", async (_, interrupt) => {
    const cluster = await invitingCluster(folder);
    cluster.failDecisions(true);
    expect(await cluster.join((await cluster.invite()).token)).toMatchObject({ code: 69 });
    interrupt(cluster);
    cluster.failDecisions(false);
    expect(await cluster.join((await cluster.invite()).token)).toMatchObject({ code: 0 });
    expect(textOf(cluster.machine, "hotspare.yaml")).toContain(ENTRY(cluster.machine));
    expect(textOf(cluster.machine, "cluster.key").trim()).toBe(cluster.secret);
    expect(cluster.decisions().added.map(({ id }) => id)).toEqual(["host-d"]);
  });

  it("after the end it changes nothing", async () => {
    const cluster = await invitingCluster(folder);
    await cluster.join((await cluster.invite()).token);
    const before = textOf(cluster.machine, "hotspare.yaml");
    const { code, out } = await cluster.join((await cluster.invite()).token, "--json");
    expect([code, JSON.parse(out)]).toMatchObject([0, { made: [], revision: 1 }]);
    expect(textOf(cluster.machine, "hotspare.yaml")).toBe(before);
  });

  it("a file that a person copied gets the entry", async () => {
    const cluster = await invitingCluster(folder);
    write(textOf(cluster.config.file), cluster.machine, "hotspare.yaml");
    expect((await cluster.join((await cluster.invite()).token)).out).toContain("made the entry of host-d in");
    expect(textOf(cluster.machine, "hotspare.yaml")).toContain(ENTRY(cluster.machine));
  });
});

describe("is refused, and nothing is made,", () => {
  const other = ["--id", "host-a", "--listen", "127.0.0.1:7130", "--control", "127.0.0.1:7131"];
  const taken = ["--id", "host-d", "--listen", "127.0.0.1:7100", "--control", "127.0.0.1:7131"];
  const unmount = ({ machine }: InvitingCluster): void => rmSync(join(machine, "vault"));

  it.each<readonly [string, readonly string[], string, (cluster: InvitingCluster) => void]>([
    ["a name that another node has", other, "HS_DECISION_REFUSED", () => undefined],
    ["an address that another node has", taken, "HS_CONFIG_INVALID", () => undefined],
    ["a vault that is not mounted", [], "HS_VAULT_MISSING", unmount],
    ["a mount point that is no vault", ["--vault", "/absent"], "HS_VAULT_MISSING", () => undefined],
  ])("%s", async (_, options, code, spoil) => {
    const cluster = await invitingCluster(folder);
    spoil(cluster);
    const { token } = await cluster.invite();
    expect((await cluster.join(token, ...options)).err).toContain(code);
    expect([filesOf(cluster), cluster.decisions().revision]).toEqual([[], 0]);
  });

  it("a registered host that comes with other addresses", async () => {
    const cluster = await invitingCluster(folder);
    await cluster.join((await cluster.invite()).token);
    for (const name of filesOf(cluster)) rmSync(join(cluster.machine, name));
    const moved = ["--id", "host-d", "--listen", "127.0.0.1:7150", "--control", "127.0.0.1:7151"];
    expect((await cluster.join((await cluster.invite()).token, ...moved)).err).toContain("HS_DECISION_REFUSED");
    expect(filesOf(cluster)).toEqual([]);
  });

  it("where another cluster's configuration lies, without using the token up", async () => {
    const cluster = await invitingCluster(folder);
    const { token } = await cluster.invite();
    const foreign = textOf(cluster.config.file).replace("cluster: demo", "cluster: other");
    write(foreign, cluster.machine, "hotspare.yaml");
    expect((await cluster.join(token)).err).toContain("cluster other");
    expect(textOf(cluster.machine, "hotspare.yaml")).toBe(foreign);
    rmSync(join(cluster.machine, "hotspare.yaml"));
    expect(await cluster.join(token)).toMatchObject({ code: 0 });
  });

  it("where another vault's configuration lies", async () => {
    const cluster = await invitingCluster(folder);
    const foreign = textOf(cluster.config.file).replace(/id: [0-9a-f]{32}/, `id: ${"0".repeat(32)}`);
    write(foreign, cluster.machine, "hotspare.yaml");
    expect((await cluster.join((await cluster.invite()).token)).err).toContain("HS_CONFIG_UNWRITABLE");
    expect([textOf(cluster.machine, "hotspare.yaml"), filesOf(cluster)]).toEqual([foreign, ["hotspare.yaml"]]);
  });

  it("where another secret lies", async () => {
    const cluster = await invitingCluster(folder);
    write("ab".repeat(32), cluster.machine, "cluster.key");
    expect((await cluster.join((await cluster.invite()).token)).err).toContain("HS_SECRET_UNWRITABLE");
    expect([textOf(cluster.machine, "cluster.key"), filesOf(cluster)]).toEqual(["ab".repeat(32), ["cluster.key"]]);
  });

  it.each([
    ["no token", ["join", "127.0.0.1:1", "--id", "x", "--listen", "127.0.0.1:2", "--control", "127.0.0.1:3"]],
    [
      "a token that is not whole",
      [
        "join",
        "127.0.0.1:1",
        "--token",
        "hs1.demo.host-a.AA",
        "--id",
        "x",
        "--listen",
        "127.0.0.1:2",
        "--control",
        "127.0.0.1:3",
      ],
    ],
    [
      "no address",
      ["join", "nowhere", "--token", "x", "--id", "x", "--listen", "127.0.0.1:2", "--control", "127.0.0.1:3"],
    ],
    [
      "a host without a control address",
      ["join", "127.0.0.1:1", "--token", "x", "--id", "x", "--listen", "127.0.0.1:2"],
    ],
    [
      "a proxy with a host's options",
      [
        "join",
        "127.0.0.1:1",
        "--token",
        "x",
        "--proxy",
        "--id",
        "x",
        "--listen",
        "127.0.0.1:2",
        "--admin",
        "127.0.0.1:3",
        "--data",
        "./d",
      ],
    ],
    [
      "an address that is none",
      ["join", "127.0.0.1:1", "--token", "x", "--id", "x", "--listen", "2", "--control", "127.0.0.1:3"],
    ],
    ["an invitation without an end", ["invite", "--for", "30d"]],
  ])("%s, as misuse", async (_, args) => {
    expect(await hotspare(args)).toMatchObject({ code: 64 });
    expect(existsSync("hotspare.yaml")).toBe(false);
  });
});
