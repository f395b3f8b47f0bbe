/** `hotspare up` as real processes: what a new user does in the first minute, and what they must never be left with. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PORTS_IN_BLOCK } from "../../../deploy/cli/local-cluster.ts";
import { until } from "../../until.ts";
import { MAIN } from "../console.ts";

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
      return match?.[3] === join(this.folder, "hotspare.yaml")
        ? [[match[2], Number(match[1])] as [string, number]]
        : [];
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

/** The first of a block of ports that nobody listens on. */
async function freeBlock(): Promise<number> {
  for (let first = 20_000 + (process.pid % 300) * 100; ; first += PORTS_IN_BLOCK) {
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

describe("hotspare up", () => {
  test(
    "serves, restarts a killed primary as a standby, stops in order, and the next start finds its data",
    { timeout: 300_000 },
    async () => {
      const up = new Up("--port", String(port));
      await up.ready();
      expect(up.pids().size).toBe(5);
      expect(await put("/spaces/s", {})).toBe(201);
      expect(await put("/spaces/s/documents/before", { n: 1 })).toBe(201);

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
      expect(up.pids().size).toBe(0);
      expect(await isFree(port)).toBe(true);

      const again = new Up("--port", "1");
      await again.ready();
      expect(again.says(/has ports of its own.*--port 1 is not used/)).toBe(true);
      expect(await read("/spaces/s/documents/before")).toEqual({ n: 1 });
      expect(await read("/spaces/s/documents/after")).toEqual({ n: 2 });
      again.signal("SIGINT");
      expect(await again.exit()).toBe(0);
    },
  );

  test(
    "--load verifies what was acknowledged; killed by SIGKILL it leaves no process, also none that is paused",
    { timeout: 300_000 },
    async () => {
      const up = new Up("--port", String(port), "--load");
      await up.ready();
      const acknowledged = (): number => Number(/.*"acknowledged":(\d+)/s.exec(up.out)?.[1] ?? 0);
      await until(() => acknowledged() > 20, { timeoutMs: START_MS, everyMs: 50 });
      up.signal("SIGTERM");
      expect(await up.exit()).toBe(0);
      const summary = up.events().find(({ event }) => event === "summary");
      expect(summary).toMatchObject({ failed: 0, acknowledged: acknowledged(), verified: acknowledged() });

      const again = new Up();
      await again.ready();
      again.signal("SIGKILL");
      await again.exit();
      await until(() => again.pids().size === 0, { timeoutMs: STOP_MS, everyMs: 100 });
      expect(await isFree(port)).toBe(true);
    },
  );
});

describe("hotspare up does not begin", () => {
  const taken: Server[] = [];
  afterEach(() => {
    for (const server of taken.splice(0)) server.close();
  });

  test("where ports are taken: it names all of them and makes nothing", async () => {
    for (const at of [port + 1, port + 21]) {
      const server = createServer();
      taken.push(server);
      await new Promise((resolve) => server.listen(at, "127.0.0.1", () => resolve(null)));
    }
    const up = new Up("--port", String(port));
    expect(await up.exit()).toBe(69);
    expect(JSON.parse(up.err)).toMatchObject({
      error: { code: "HS_PORT_TAKEN", details: { address: `127.0.0.1:${port + 1}, 127.0.0.1:${port + 21}` } },
    });
    expect([up.out, existsSync(up.folder)]).toEqual(["", false]);
  });

  test.each(["0", "65511", "x", "-1"])("with the port %s", async (text) => {
    const up = new Up("--port", text);
    expect(await up.exit()).toBe(64);
    expect(existsSync(up.folder)).toBe(false);
  });

  test("where the folder has a vault that is another, or a configuration that is wrong", async () => {
    const first = join(base, "data");
    mkdirSync(first);
    const { status: exit } = spawnSync(process.execPath, [
      MAIN,
      "init",
      "--yes",
      "--config",
      join(first, "hotspare.yaml"),
    ]);
    expect(exit).toBe(0);
    const file = join(first, "hotspare.yaml");
    const text = readFileSync(file, "utf8").replaceAll(/127\.0\.0\.1:\d+/g, () => `127.0.0.1:${port++}`);
    const before = readdirSync(first, { recursive: true });
    writeFileSync(file, text.replace(/id: \w{32}/, `id: ${"0".repeat(32)}`));
    const foreign = new Up();
    expect([await foreign.exit(), JSON.parse(foreign.err)]).toMatchObject([
      78,
      { error: { code: "HS_VAULT_FOREIGN" } },
    ]);
    writeFileSync(file, text.replace("proxies:", "porxies:"));
    const wrong = new Up();
    expect([await wrong.exit(), JSON.parse(wrong.err)]).toMatchObject([78, { error: { code: "HS_CONFIG_INVALID" } }]);
    expect(readdirSync(first, { recursive: true })).toEqual(before);
  });

  test(
    "with a node that can never run: the others are stopped, and the error names its log",
    { timeout: 120_000 },
    async () => {
      const folder = join(base, "data");
      mkdirSync(folder);
      const file = join(folder, "hotspare.yaml");
      spawnSync(process.execPath, [MAIN, "init", "--yes", "--config", file]);
      const text = readFileSync(file, "utf8").replaceAll(/127\.0\.0\.1:\d+/g, () => `127.0.0.1:${port++}`);
      writeFileSync(file, `${text}pools:\n  - { id: main, app: ./none.ts }\n`);
      const up = new Up();
      expect(await up.exit()).toBe(78);
      expect(JSON.parse(up.err)).toMatchObject({ error: { code: "HS_NODE_ENDED", details: { node: /^host-/ } } });
      expect(up.says(/HS_APP_INVALID/)).toBe(true);
      expect(up.pids().size).toBe(0);
    },
  );
});
