/** `npm run chaos`: see `chaos-options.ts`, or `--help`. */
import { ChaosRun } from "./chaos-run.ts";
import { HELP, readCommand, type ChaosCommand } from "./chaos-options.ts";
import { withProgress } from "./progress.ts";
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
  process.stderr.write(`seed ${command.seed}\n`);
  const report = await withProgress((progress) => ChaosRun.run(command, progress));
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : reportText(report));
  return report.violations.length === 0 ? 0 : 1;
}
