/**
 * What Hotspare's proxy costs beside others and beside none, and what bothersome clients cost the ordinary ones: real
 * processes in one run, in turns, the proxy alone on one core. See `--help`, or `proxy/bench-options.ts`.
 *
 *     node test/bench/proxy.ts [--seconds 2] [--rounds 5] [--only direct,nginx,hotspare-1,get-1k,…] [--json]
 */
import { HELP, readCommand, type BenchCommand } from "./proxy/bench-options.ts";
import { hotspareFailed, runBench } from "./proxy/bench-run.ts";
import { reportText } from "./proxy/report-text.ts";

const STOPPED = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  let command: BenchCommand;
  try {
    command = readCommand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    return 64;
  }
  if (command.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return runUntilStopped(command);
}

/** Ctrl-C ends what was started, then this; a second one does not wait. */
async function runUntilStopped(command: BenchCommand): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(STOPPED);
    stop.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const report = await runBench(command, { says: progressLine(), stop: stop.signal });
    clearProgress();
    process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : reportText(report));
    return hotspareFailed(report) ? 1 : 0;
  } catch (error) {
    clearProgress();
    if (stop.signal.aborted) return STOPPED;
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

/** One line that changes on a terminal; elsewhere nothing, since a table comes at the end. */
function progressLine(): (line: string) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (line) => void process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
}
