/** Runs a program of the system to its end. @throws with what it said if its exit code is not 0. */
import { spawnSync } from "node:child_process";

export function runProgram(program: string, args: readonly string[], input = ""): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: "utf8", timeout: 20_000 });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${args.join(" ")}: ${error?.message ?? stderr.trim().split("\n")[0] ?? `exit code ${status}`}`,
  );
}
