/** `npm run chaos`: see `chaos-options.ts`, or `--help`. */
import { ChaosRun, type ChaosReport } from "./chaos-run.ts";
import { HELP, readCommand, type ChaosCommand } from "./chaos-options.ts";
import { reportText } from "./report-text.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  let command: ChaosCommand;
  try {
    command = readCommand(process.argv.slice(2), Math.floor(Math.random() * 1_000_000));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    return 64;
  }
  if (command.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const report = await runUntilStopped(command);
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : reportText(report));
  return report.violations.length === 0 ? 0 : 1;
}

/** Ctrl-C ends the faults; a second one ends the process, and what is around it goes with it. */
async function runUntilStopped(command: ChaosCommand): Promise<ChaosReport> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  process.stderr.write(`seed ${command.seed}\n`);
  const report = await ChaosRun.run(command, { says: progressLine(), stop: stop.signal });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  return report;
}

/** One line that changes on a terminal; elsewhere a line each. */
function progressLine(): (line: string) => void {
  if (!process.stderr.isTTY) return (line) => void process.stderr.write(`${line}\n`);
  return (line) => void process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}
