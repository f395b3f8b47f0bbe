/** `npm run chaos:requests`: see `requests-options.ts`, or `--help`. */
import { withProgress } from "../progress.ts";
import { HELP, readCommand, type RequestsCommand } from "./requests-options.ts";
import { RequestsRun } from "./requests-run.ts";
import { requestsText } from "./requests-text.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  let command: RequestsCommand;
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
  const report = await withProgress((progress) => RequestsRun.run(command, progress));
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : requestsText(report));
  return report.violations.length === 0 ? 0 : 1;
}
