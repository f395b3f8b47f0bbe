/** `hotspare up` as real processes: what a new user does in the first minute, and what they must never be left with. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PORTS_IN_BLOCK } from "../../../deploy/cli/local-cluster.ts";
import { until } from "../../until.ts";
import { hotspare, MAIN, type Shown } from "../console.ts";

/** The machine may be busy with other tests: a process takes seconds to start. */
const START_MS = 90_000;
const STOP_MS = 60_000;

let base: string;
let port: number;
const started: Up[] = [];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "hotspare-up-"));
  port = await freeBlock();
});
afterEach(async () => {
  for (const up of started.splice(0)) await up.end();
  rmSync(base, { recursive: true, force: true });
});

/** One `hotspare up --json` and what it says. */
class Up {
  readonly folder = join(base, "data");
  readonly config = join(this.folder, "hotspare.yaml");
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  out = "";
  err = "";

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, "up", "--json", "--folder", this.folder, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.stdout?.on("data", (chunk) => (this.out += String(chunk)));
    this.#child.stderr?.on("data", (chunk) => (this.err += String(chunk)));
    this.#exited = new Promise((resolve) => this.#child.once("close", (code) => resolve(code)));
    started.push(this);
  }

  events(): readonly { readonly event: string; readonly text?: string; readonly node?: string }[] {
    return this.out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { event: string });
  }

  says(pattern: RegExp): boolean {
    return this.events().some(({ text }) => text !== undefined && pattern.test(text));
  }

  async ready(): Promise<void> {
    await until(() => this.out.includes('"event":"ready"') || this.#ended(), { timeoutMs: START_MS, everyMs: 50 });
    expect(this.err).toBe("");
    expect(this.out).toContain('"event":"ready"');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  exit(): Promise<number | null> {
    return this.#exited;
  }

  /** Pids of its nodes, by id: found by the folder, which is nobody else's. */
  pids(): ReadonlyMap<string, number> {
    const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
    const nodes = stdout.split("\n").flatMap((line) => {
      const match = /^\s*(\d+)\s.* (?:host|proxy) --id (\S+) --config (\S+)$/.exec(line);
      return match?.[3] === this.config ? [[match[2], Number(match[1])] as [string, number]] : [];
    });
    return new Map(nodes);
  }

  async end(): Promise<void> {
    if (!this.#ended()) this.#child.kill("SIGKILL");
    await this.#exited;
    for (const pid of this.pids().values()) process.kill(pid, "SIGKILL");
    await until(() => this.pids().size === 0, { timeoutMs: STOP_MS });
  }

  #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** What a command prints, as a process of its own. */
async function output(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  await new Promise((resolve) => child.once("close", resolve));
  return out;
}

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;

async function put(path: string, value: unknown): Promise<number> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url(path), { method: "PUT", headers, body: JSON.stringify(value) });
  await answer.arrayBuffer();
  return answer.status;
}

async function read(path: string): Promise<unknown> {
  return (await fetch(url(path))).json();
}

/** Which host serves, and who stands by, as a proxy sees it. */
async function status(): Promise<{ primary: string | null; standbys: string[] }> {
  const answer = await fetch(`http://127.0.0.1:${port + 10}/api/v1/status`).catch(() => null);
  const body = (await answer?.json()) as
    | { pools: { primary: string | null; standbys: { host: string }[] }[] }
    | undefined;
  const [pool] = body?.pools ?? [];
  return { primary: pool?.primary ?? null, standbys: pool?.standbys.map(({ host }) => host) ?? [] };
}

/** The first of a block of ports that nobody listens on, below those that the system picks by itself. */
async function freeBlock(): Promise<number> {
  for (let first = 20_000 + (process.pid % 120) * 100; ; first += PORTS_IN_BLOCK) {
    const all = await Promise.all(Array.from({ length: PORTS_IN_BLOCK }, (_, index) => isFree(first + index)));
    if (all.every(Boolean)) return first;
  }
}

function isFree(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(at, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

test(
  "up serves, brings a killed primary back as a standby, loses nothing, stops in order, finds its data, leaves nothing",
  { timeout: 300_000 },
  async () => {
    const up = new Up("--port", String(port), "--load");
    await up.ready();
    expect(up.pids().size).toBe(5);
    expect(await put("/spaces/s", {})).toBe(201);
    const { primary } = await status();
    const pid = up.pids().get(primary ?? "")!;
    process.kill(pid, "SIGKILL");
    expect(await put("/spaces/s/documents/after", { n: 2 })).toBe(201);
    await until(async () => (await status()).standbys.length === 2, { timeoutMs: START_MS, everyMs: 100 });
    expect((await status()).primary).not.toBe(primary);
    expect(up.pids().get(primary!)).not.toBe(pid);
    expect(up.says(new RegExp(`${primary} was killed by SIGKILL; it is started again in 1 s`))).toBe(true);

    up.signal("SIGTERM");
    expect(await up.exit()).toBe(0);
    expect(up.err).toBe("");
    const summary = up.events().find(({ event }) => event === "summary") as unknown as Record<string, number>;
    expect(summary).toMatchObject({ failed: 0, verified: summary["acknowledged"] });
    expect(summary["acknowledged"]).toBeGreaterThan(0);
    expect(up.pids().size).toBe(0);
    expect(await isFree(port)).toBe(true);

    const again = new Up("--port", "1");
    await again.ready();
    expect(again.says(/has ports of its own.*--port 1 is not used/)).toBe(true);
    expect(await read("/spaces/s/documents/after")).toEqual({ n: 2 });
    const taken = JSON.parse(await output("checkpoint", "--json", "--config", again.config)) as object;
    expect(taken).toMatchObject({
      pool: "main",
      slot: expect.any(Number),
      stateHash: expect.stringMatching(/^\w{64}$/),
    });
    again.signal("SIGKILL");
    await again.exit();
    await until(() => again.pids().size === 0, { timeoutMs: STOP_MS, everyMs: 100 });
    expect(await isFree(port)).toBe(true);
  },
);

describe("hotspare up does not begin", () => {
  const taken: Server[] = [];
  const up = (...args: readonly string[]): Promise<Shown> => hotspare(["up", "--folder", join(base, "data"), ...args]);
  /** The configuration of a cluster in the folder, with ports that are free. */
  const cluster = async (): Promise<string> => {
    const file = join(base, "data", "hotspare.yaml");
    expect(await hotspare(["init", "--yes", "--config", file])).toMatchObject({ code: 0 });
    let next = port;
    writeFileSync(
      file,
      readFileSync(file, "utf8").replaceAll(/127\.0\.0\.1:\d+/g, () => `127.0.0.1:${next++}`),
    );
    return file;
  };
  afterEach(() => {
    for (const server of taken.splice(0)) server.close();
  });

  test("where ports are taken: it names all of them and makes nothing", async () => {
    for (const at of [port + 1, port + 21]) {
      const server = createServer();
      taken.push(server);
      await new Promise((resolve) => server.listen(at, "127.0.0.1", () => resolve(null)));
    }
    const { code, out, err } = await up("--port", String(port));
    expect([code, out]).toEqual([69, ""]);
    expect(err).toContain(`127.0.0.1:${port + 1}, 127.0.0.1:${port + 21} (proxy-2, control of host-a)`);
    expect(err).toMatch(/^hotspare: [^\n]*--port \(HS_PORT_TAKEN\)$/);
    expect(existsSync(join(base, "data"))).toBe(false);
  });

  test.each(["0", "65511", "x", "-1"])("with the port %s", async (text) => {
    expect(await up("--port", text)).toMatchObject({ code: 64 });
    expect(existsSync(join(base, "data"))).toBe(false);
  });

  test("where the folder has a vault that is another, or a configuration that is wrong", async () => {
    const file = await cluster();
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/id: \w{32}/, `id: ${"0".repeat(32)}`));
    const before = readdirSync(join(base, "data"), { recursive: true });
    expect(await up()).toMatchObject({ code: 78, out: "", err: expect.stringContaining("HS_VAULT_FOREIGN") });
    writeFileSync(file, text.replace("proxies:", "porxies:"));
    expect(await up()).toMatchObject({ code: 78, out: "", err: expect.stringContaining("HS_CONFIG_INVALID") });
    expect(readdirSync(join(base, "data"), { recursive: true })).toEqual(before);
  });

  test(
    "with a node that can never run: the others are stopped, and the error names its log",
    { timeout: 120_000 },
    async () => {
      const file = await cluster();
      writeFileSync(file, `${readFileSync(file, "utf8")}pools:\n  - { id: main, app: ./none.ts }\n`);
      const run = new Up();
      expect(await run.exit()).toBe(78);
      expect(JSON.parse(run.err)).toMatchObject({
        error: { code: "HS_NODE_ENDED", details: { node: expect.stringMatching(/^host-/) } },
      });
      expect(run.says(/HS_APP_INVALID/)).toBe(true);
      expect(run.pids().size).toBe(0);
    },
  );
});
