/** `npm run chaos`: see `chaos-options.ts`, or `--help`. */
import { ChaosRun } from "./chaos-run.ts";
import { HELP, readCommand } from "./chaos-options.ts";
import { reportText } from "./report-text.ts";
import { runCommand } from "./run-command.ts";

process.exitCode = await runCommand({
  help: HELP,
  read: readCommand,
  run: (command, progress) => ChaosRun.run(command, progress),
  text: reportText,
});
