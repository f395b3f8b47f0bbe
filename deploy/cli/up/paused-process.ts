/**
 * A process that is held by SIGSTOP for a demonstration. A helper of its own session lets it go on when its own input
 * ends: by `resume`, or because this process was killed; so that nothing paused is ever left behind.
 */
import { spawn } from "node:child_process";

export interface PausedProcess {
  /** Lets it go on. Idempotent. */
  resume(): void;
}

/** Pauses `pid`. POSIX only; what cannot be signalled is left as it is. */
export function pauseProcess(pid: number): PausedProcess {
  const helper = spawn("sh", ["-c", `kill -STOP "$1"; cat >/dev/null; kill -CONT "$1"`, "sh", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  helper.on("error", () => undefined);
  helper.stdin.on("error", () => undefined);
  helper.unref();
  return { resume: () => void helper.stdin.end() };
}
