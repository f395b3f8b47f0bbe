/** Commands as hooks: real programs that do well, fail, hang, talk without end, or do not listen. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { join } from "node:path";
import { callHook } from "../../../host/hooks/call-hook.ts";
import { KEPT_BYTES, runCommand } from "../../../host/hooks/command-hook.ts";
import { failureText, type HookCall, type HookOutcome } from "../../../host/hooks/hook-call.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";
import { hookCall } from "./hook-event.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "hotspare-hook-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const ENV = { PATH: process.env["PATH"], HOME: "/home/of-the-host", SECRET: "5ec2e7" };

const shell = (script: string, changes: Partial<HookCall> = {}): Promise<HookOutcome> =>
  callHook(hookCall({ type: "command", command: ["sh", "-c", script] }, { folder, ...changes }), {
    clock: systemClock,
    env: ENV,
  });

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a command", () => {
  it("is told the event by its environment, and knows what its host knows", async () => {
    const { type, output } = await shell("pwd; env");
    expect(type).toBe("done");
    expect(output.split("\n")[0]).toBe(folder);
    for (const line of [
      "HOTSPARE_EVENT=before-handover",
      "HOTSPARE_CLUSTER=shop",
      "HOTSPARE_HOST=host-a",
      "HOTSPARE_POOL=main",
      "HOTSPARE_EPOCH=7",
      "HOTSPARE_PREVIOUS=host-a",
      "HOTSPARE_SUCCESSOR=",
      'HOTSPARE_CAUSE=new disks\nin "host-a"; $(exit 1)',
      "HOTSPARE_BY=ann",
      "HOME=/home/of-the-host",
    ])
      expect(`\n${output}`).toContain(`\n${line}\n`);
  });

  it("is told the same as JSON on its standard input", async () => {
    const { output } = await shell("cat");
    const { type, timestamp, data } = JSON.parse(output) as Record<string, unknown>;
    expect([type, timestamp]).toEqual(["hotspare.before_handover", "2023-11-14T22:13:20.000Z"]);
    expect(data).toMatchObject({ event: "before-handover", pool: "main", epoch: 7, successor: null, by: "ann" });
  });

  it("does not get the keys that its host has in variables", async () => {
    const { output } = await shell("env", { hidden: ["SECRET"] });
    expect(output).not.toContain("5ec2e7");
  });

  it("that fails says so, with its last line", async () => {
    const outcome = await shell("echo one; echo the disk is full >&2; exit 3");
    expect(outcome.type === "failed" && failureText(outcome)).toBe("it ended with exit code 3: the disk is full");
  });

  it("that kills itself has failed", async () => {
    expect(await shell("kill -9 $$")).toMatchObject({ type: "failed", reason: "it was ended by SIGKILL" });
  });

  it("that does not exist has failed", async () => {
    const call = hookCall({ type: "command", command: [join(folder, "none")] }, { folder });
    const outcome = await callHook(call, { clock: systemClock, env: ENV });
    expect(outcome).toMatchObject({ type: "failed", reason: expect.stringContaining("ENOENT") as string });
  });

  it("that is too long for the system has failed", async () => {
    const call = hookCall({ type: "command", command: ["true", "x".repeat(4 * 1024 * 1024)] }, { folder });
    const outcome = await callHook(call, { clock: systemClock, env: ENV });
    expect(outcome).toMatchObject({ type: "failed", reason: expect.stringContaining("E2BIG") as string });
  });

  it("that hangs is killed with everything that it started", async () => {
    let timeUp: (() => void) | null = null;
    const clock = { ...systemClock, after: (_: number, run: () => void) => ((timeUp = run), () => undefined) };
    const command = ["sh", "-c", "trap '' TERM; sleep 600 & echo $! > pid.new; mv pid.new pid; wait"] as const;
    const call = hookCall({ type: "command", command }, { folder, timeoutMs: 1000 });
    const ending = callHook(call, { clock, env: ENV });
    await until(() => existsSync(join(folder, "pid")));
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    expect(lives(pid)).toBe(true);
    (timeUp as (() => void) | null)?.();
    expect(await ending).toMatchObject({ type: "failed", reason: "it did not end within 1s" });
    await until(() => !lives(pid));
  });

  it("is killed when the host stops, and none is started afterwards", async () => {
    const stop = new AbortController();
    const ending = shell("touch begun; sleep 600", { signal: stop.signal });
    await until(() => existsSync(join(folder, "begun")));
    stop.abort(new Error("the host stops"));
    expect(await ending).toMatchObject({ type: "failed", reason: "the host stops" });
    expect(await shell("echo", { signal: stop.signal })).toMatchObject({ type: "failed", reason: "the host stops" });
  });

  it("that talks without end fills no memory: its last words are kept", async () => {
    const outcome = await shell("head -c 20000000 /dev/zero | tr '\\0' x; echo the end");
    expect(outcome.type).toBe("done");
    expect(outcome.output.length).toBeLessThanOrEqual(KEPT_BYTES + 1);
    expect(outcome.output.endsWith("xthe end\n")).toBe(true);
  });

  it("that does not read its input ends well", async () => {
    const input = "x".repeat(4 * 1024 * 1024);
    const signal = new AbortController().signal;
    const hook = { command: ["true"] as const, folder, env: ENV, input, clock: systemClock, signal };
    expect(await runCommand(hook)).toEqual({ type: "done", output: "" });
  });

  it("that leaves a program in the background has ended, and that one runs on", async () => {
    const outcome = await shell("sleep 600 & echo $!");
    expect(outcome.type).toBe("done");
    const pid = Number(outcome.output);
    expect(lives(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});
