/** `hotspare host`: what it needs, and an application run alone as a user does. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "../source-code.ts";
import { hotspare, MAIN } from "./console.ts";

let folder = "";
let running: ChildProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-host-"));
});
afterEach(async () => {
  await end("SIGKILL");
  rmSync(folder, { recursive: true });
});

describe("hotspare host", () => {
  it.each([
    [["host"], "host needs --id, or --standalone"],
    [["host", "--id", "host-a", "--app", "./app.ts"], "--app, --data and --listen are for --standalone"],
    [["host", "--id", "host-a", "--standalone"], "--id is for a host of the configuration"],
  ])("%j is refused, and starts nothing", async (args, reason) => {
    const { code, err } = await hotspare(args);
    expect(err).toContain(reason);
    expect(code).toBe(64);
  });

  it("an application that cannot be found is named, and leaves nothing open", async () => {
    const { code, err } = await hotspare(["host", "--standalone", "--app", "./none.ts", "--data", folder]);
    expect(err).toContain("HS_APP_INVALID");
    expect(code).toBe(78);
  });

  it("--standalone runs an application by its path, and keeps its state over a stop in order", async () => {
    cpSync(join(root, "examples/counter/app.ts"), join(folder, "app.ts"));
    expect(await count(await start())).toBe(1);
    expect(await end("SIGTERM")).toBe(0);
    expect(await count(await start())).toBe(2);
  });
});

/** Resolves with the address of a process of its own. */
async function start(): Promise<string> {
  const args = ["host", "--standalone", "--app", "./app.ts", "--data", "data", "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  running = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, address } = JSON.parse(line) as { msg: string; address?: string };
    if (msg.startsWith("serving standalone") && address) return `http://${address}`;
  }
  throw new Error("the process ended before it served");
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const child = running;
  running = null;
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
  return child.exitCode;
}

async function count(url: string): Promise<number> {
  const answer = await fetch(`${url}/counter/a`, { method: "POST" });
  return ((await answer.json()) as { n: number }).n;
}
