/** The launcher as real processes, one of them on a Node that says it is old. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const launcher = new URL("../../deploy/cli/launcher.js", import.meta.url).pathname;
const main = new URL("../../deploy/cli/main.ts", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "hotspare-launcher-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) => spawnSync(process.execPath, args, { encoding: "utf8", cwd: folder });
const runIn = (env: NodeJS.ProcessEnv, ...args: readonly string[]) =>
  spawnSync(process.execPath, args, { encoding: "utf8", cwd: folder, env: { ...process.env, ...env } });

describe("the launcher", () => {
  it("on a Node of the right line that lacks what the store needs, too", () => {
    const old = join(folder, "older.cjs");
    writeFileSync(old, 'Object.defineProperty(process, "version", { value: "v24.9.0" });');
    expect(run("--require", old, launcher, "version")).toMatchObject({ status: 78, stdout: "" });
  });

  it("on an old Node says in one line what is found and what is needed", () => {
    const old = join(folder, "old.cjs");
    writeFileSync(old, 'Object.defineProperty(process, "version", { value: "v18.20.4" });');
    const { status, stdout, stderr } = run("--require", old, launcher, "version");
    expect([status, stdout, stderr]).toEqual([
      78,
      "",
      "hotspare: Node.js 18.20.4 is too old: 24.15 or newer is needed (HS_NODE_VERSION)\n",
    ]);
  });

  it("wants the Node that the package names", () => {
    const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      engines: { node: string };
    };
    const [, needed] = /NEEDED = "([\d.]+)"/.exec(readFileSync(launcher, "utf8")) ?? [];
    expect(engines.node).toBe(`>=${needed}`);
  });

  it("runs a command with its exit code", () => {
    expect(run(launcher, "version")).toMatchObject({ status: 0, stderr: "" });
    expect(run(launcher, "version", "--nonsense")).toMatchObject({ status: 64, stdout: "" });
  });
});

describe("the source", () => {
  it("runs the same without being built", () => {
    const { status, stderr } = run(main, "config", "check", "--config", "none.yaml");
    expect([status, stderr]).toEqual([
      78,
      expect.stringMatching(/^hotspare: Cannot read [^\n]*\(HS_CONFIG_UNREADABLE\)\n$/),
    ]);
  });

  it("writes no colours into a pipe, on a build server either, whose CI variable says that it can show them", () => {
    expect(run(main, "init", "--yes").status).toBe(0);
    const { stdout } = runIn({ CI: "true" }, main, "status");
    expect(stdout).toContain("cluster ");
    expect(stdout).not.toContain("\u001b");
  });
});
