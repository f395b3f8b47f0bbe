/** How a process ends that must not go on, not even to tidy up: `exit` would wait for a share that hangs. */

/** The kernel keeps SIGKILL of its own from the process with the pid 1 of a container; nothing keeps it from aborting. */
export function killItself(): never {
  process.kill(process.pid, "SIGKILL");
  process.abort();
}
