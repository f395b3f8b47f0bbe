/**
 * The package as a stranger gets it: packed, installed from the tarball in an empty folder, and run by its bin. Apart from
 * `npm test`, because it builds and installs; `.ci/run` calls it. Ends with exit code 0 or says what failed.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PORTS_IN_BLOCK } from "../../deploy/cli/local-cluster.ts";
import { until } from "../until.ts";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "hotspare-pack-"));

try {
  const tarball = pack();
  install(tarball);
  expectOutput(["version"], /^hotspare \d+\.\d+\.\d+ \(Node\.js 2[4-9]/);
  expectOutput(["init", "--yes"], /made the configuration/);
  expectOutput(["config", "check"], /is right: cluster demo with 3 hosts/);
  expectOutput(["help"], /Commands:/);
  await expectCluster();
  await expectWorkers();
  process.stdout.write("the packed package installs and runs\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** `prepack` builds `dist/` first. */
function pack(): string {
  const report = run("npm", ["pack", "--json", "--pack-destination", folder], root);
  const [packed] = JSON.parse(report.slice(report.search(/^\[/m))) as { filename: string }[];
  if (!packed) throw new Error(`npm pack reported ${report}`);
  return join(folder, packed.filename);
}

function install(tarball: string): void {
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", tarball], folder);
}

function expectOutput(args: readonly string[], expected: RegExp): void {
  const output = run("npx", ["--no-install", "hotspare", ...args], folder);
  if (!expected.test(output)) throw new Error(`hotspare ${args.join(" ")} printed ${JSON.stringify(output)}`);
}

/** `npx hotspare up`: starts, serves a write through a proxy, and leaves nothing when it is told to stop. */
async function expectCluster(): Promise<void> {
  const port = await freeBlock();
  const args = ["--no-install", "hotspare", "up", "--json", "--port", String(port)];
  const up = spawn("npx", args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  up.stdout.on("data", (chunk) => (out += String(chunk)));
  let closed = false;
  up.once("close", () => (closed = true));
  await until(() => out.includes('"event":"ready"') || up.exitCode !== null, { timeoutMs: 60_000, everyMs: 50 });
  const answer = await fetch(`http://127.0.0.1:${port}/spaces/packed`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  up.kill("SIGTERM");
  // Its output is closed when `up` itself has ended, which npx does not wait for.
  await until(() => closed, { timeoutMs: 60_000, everyMs: 50 });
  if (answer.status !== 201) throw new Error(`the packed cluster answered ${answer.status} to a write`);
  if (!out.includes("nothing is left running")) throw new Error(`hotspare up did not stop in order: ${out}`);
  if (!(await isFree(port))) throw new Error(`hotspare up left something on port ${port}`);
}

/** `npx hotspare proxy` with two workers: the entry of their processes is in the package, and they end with the proxy. */
async function expectWorkers(): Promise<void> {
  const [listen, admin] = [await anyPort(), await anyPort()];
  const own = `{ id: proxy-1, listen: "127.0.0.1:${listen}", admin: "127.0.0.1:${admin}", workers: 2 }`;
  const text = readFileSync(join(folder, "hotspare.yaml"), "utf8").replace(/\{ id: proxy-1, .*\}/, own);
  writeFileSync(join(folder, "workers.yaml"), text);
  const bin = join(folder, "node_modules", "hotspare", "deploy", "cli", "launcher.js");
  const proxy = spawn(process.execPath, [bin, "proxy", "--id", "proxy-1", "--config", "workers.yaml"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  proxy.stdout.on("data", (chunk) => (out += String(chunk)));
  let closed = false;
  proxy.once("close", () => (closed = true));
  try {
    await until(() => out.includes('"event":"listening"') || proxy.exitCode !== null, { timeoutMs: 60_000 });
    const answer = await fetch(`http://127.0.0.1:${admin}/metrics`);
    if (!(await answer.text()).includes("hotspare_proxy_workers 2")) throw new Error(`two workers do not run: ${out}`);
  } finally {
    proxy.kill("SIGTERM");
    // Its output is closed when the workers have ended, too.
    await until(() => closed, { timeoutMs: 60_000, everyMs: 50 });
  }
  if (!(await isFree(listen))) throw new Error(`a proxy with workers left something on port ${listen}`);
}

/** The first port of a block in which nobody listens, below those that the system picks by itself. */
async function freeBlock(): Promise<number> {
  for (;;) {
    const first = 20_000 + ((await anyPort()) % 12_000);
    const all = await Promise.all(Array.from({ length: PORTS_IN_BLOCK }, (_, index) => isFree(first + index)));
    if (all.every(Boolean)) return first;
  }
}

function anyPort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((found) => {
    const server = createServer().once("error", () => found(false));
    server.listen(port, "127.0.0.1", () => server.close(() => found(true)));
  });
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
}
