/**
 * Lets a node that `hotspare up` started end with it, also when `up` was killed: the other end of the node's standard
 * input is held by `up` alone, and the system closes it whatever became of that process. A node that is paused notices
 * when it goes on.
 */
import type { Env } from "../../shared/config/substitute.ts";
import { killItself } from "../../shared/kill-itself.ts";

/** Set to `1` by who holds the pipe. Without it standard input means nothing to a node. */
export const PARENT_PIPE = "HOTSPARE_PARENT_PIPE";

/** More than a host or a proxy takes to stop in order. */
const STOP_WAIT_MS = 20_000;

/** Sends this process SIGTERM when standard input ends, and SIGKILL if that did not end it. */
export function stopWithParent(env: Env): void {
  if (env[PARENT_PIPE] !== "1") return;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    process.kill(process.pid, "SIGTERM");
    setTimeout(killItself, STOP_WAIT_MS).unref();
  };
  process.stdin.once("end", stop).once("error", stop).once("close", stop).resume();
}
