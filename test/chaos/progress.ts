/** How a run tells a person how far it is, and is told by one to end. */
export interface Progress {
  readonly says: (line: string) => void;
  /** Ends the faults early; what happened so far is checked. */
  readonly stop: AbortSignal;
}

/** Ctrl-C ends the faults; a second one ends the process, and what is around it goes with it. */
export async function withProgress<T>(run: (progress: Progress) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const result = await run({ says: progressLine(), stop: stop.signal });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  return result;
}

/** One line that changes on a terminal; elsewhere a line each. */
function progressLine(): (line: string) => void {
  if (!process.stderr.isTTY) return (line) => void process.stderr.write(`${line}\n`);
  return (line) => void process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}
