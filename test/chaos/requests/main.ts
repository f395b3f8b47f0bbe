/** `npm run chaos:requests`: see `requests-options.ts`, or `--help`. */
import { runCommand } from "../run-command.ts";
import { HELP, readCommand } from "./requests-options.ts";
import { RequestsRun } from "./requests-run.ts";
import { requestsText } from "./requests-text.ts";

process.exitCode = await runCommand({
  help: HELP,
  read: readCommand,
  run: (command, progress) => RequestsRun.run(command, progress),
  text: requestsText,
});
