import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { afterEach, test } from "vitest";
import { until } from "../../until.ts";

const module = new URL("../../../deploy/cli/up/paused-process.ts", import.meta.url).href;
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const run = (...args: readonly string[]): ChildProcess => {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
  children.push(child);
  return child;
};

const isStopped = (pid: number): boolean =>
  spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.startsWith("T");

/** A process that pauses `pid`, and lets it go on when it is told so. */
const pauser = (pid: number): ChildProcess =>
  run(
    "-e",
    `import(${JSON.stringify(module)}).then(({ pauseProcess }) => {
    const paused = pauseProcess(${pid});
    process.stdin.once("data", () => paused.resume());
  })`,
  );

test("a paused process goes on when it is told to", async () => {
  const { pid = 0 } = run("-e", "setInterval(() => {}, 1000)");
  const own = pauser(pid);
  await until(() => isStopped(pid), { timeoutMs: 25_000, everyMs: 50 });
  own.stdin?.write("go on\n");
  await until(() => !isStopped(pid), { timeoutMs: 25_000, everyMs: 50 });
});

test("a paused process goes on when whoever paused it is killed: nothing stands still for ever", async () => {
  const { pid = 0 } = run("-e", "setInterval(() => {}, 1000)");
  const own = pauser(pid);
  await until(() => isStopped(pid), { timeoutMs: 25_000, everyMs: 50 });
  own.kill("SIGKILL");
  await until(() => !isStopped(pid), { timeoutMs: 25_000, everyMs: 50 });
});
