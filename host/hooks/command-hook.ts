/**
 * Runs a hook's command: without a shell, in a process group of its own, so that at its end in time nothing of it is left.
 * Of what it writes the end is kept. Once its own process has ended well, what it started in the background may go on.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { sleep, type Clock } from "../../shared/clock.ts";
import type { CommandLine } from "../../shared/config/config.ts";
import { reasonOf } from "../../shared/errors.ts";
import type { HookOutcome } from "./hook-call.ts";

export interface CommandHook {
  readonly command: CommandLine;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For its standard input. */
  readonly input: string;
  readonly clock: Clock;
  /** Aborted with the reason when its time is up. */
  readonly signal: AbortSignal;
}

export const KEPT_BYTES = 4096;
/** What it wrote last may arrive a little after its end; what runs on in the background is not waited for. */
const LAST_WORDS_MS = 200;

export async function runCommand(hook: CommandHook): Promise<HookOutcome> {
  const [program, ...args] = hook.command;
  if (hook.signal.aborted) return { type: "failed", reason: reasonOf(hook.signal.reason), output: "" };
  const child = spawn(program, args, { cwd: hook.folder, env: hook.env, stdio: "pipe", detached: true });
  const output = new OutputEnd();
  const closed = once(child, "close").catch(() => undefined);
  child.stdout.on("data", (chunk: Buffer) => output.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.add(chunk));
  // It may end without having read it.
  child.stdin.on("error", () => undefined).end(hook.input);
  const failure = await ended(child, hook.signal);
  if (child.exitCode !== null || child.signalCode !== null) await within(closed, LAST_WORDS_MS, hook.clock);
  for (const stream of child.stdio) stream?.destroy();
  return failure === null
    ? { type: "done", output: output.text }
    : { type: "failed", reason: failure, output: output.text };
}

/** Why it failed; `null`: it ended well. A process that hangs in the kernel is not waited for. */
function ended(child: ChildProcess, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      killGroup(child);
      resolve(reasonOf(signal.reason));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const end = (failure: string | null): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(failure);
    };
    child.on("error", (error) => end(reasonOf(error)));
    child.on("exit", (code, killedBy) => {
      if (code === 0) end(null);
      else end(code === null ? `it was ended by ${killedBy}` : `it ended with exit code ${code}`);
    });
  });
}

async function within(event: Promise<unknown>, timeoutMs: number, clock: Clock): Promise<void> {
  const abort = new AbortController();
  await Promise.race([event, sleep(clock, timeoutMs, abort.signal).catch(() => undefined)]);
  abort.abort();
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself just now.
  }
}

class OutputEnd {
  #bytes: Buffer = Buffer.alloc(0);
  #cut = false;

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#bytes, chunk]);
    this.#cut ||= all.length > KEPT_BYTES;
    this.#bytes = Buffer.from(all.subarray(-KEPT_BYTES));
  }

  get text(): string {
    return `${this.#cut ? "…" : ""}${this.#bytes.toString("utf8")}`;
  }
}
