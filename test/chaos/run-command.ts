/** What a chaos program does with its command line: help, an error of one line, a run with its seed, a report and an exit code. */
import { withProgress, type Progress } from "./progress.ts";

export interface RunCommand<Command, Report> {
  readonly help: string;
  /** @throws with what is wrong. */
  readonly read: (args: readonly string[], seed: number) => Command;
  readonly run: (command: Command, progress: Progress) => Promise<Report>;
  /** For people. */
  readonly text: (report: Report) => string;
}

/** Resolves to the exit code: 0, 1 if a promise was broken, 64 for a wrong command line. */
export async function runCommand<
  Command extends { readonly help: boolean; readonly json: boolean; readonly seed: number },
  Report extends { readonly violations: readonly string[] },
>({ help, read, run, text }: RunCommand<Command, Report>): Promise<number> {
  let command: Command;
  try {
    command = read(process.argv.slice(2), Math.floor(Math.random() * 1_000_000));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${help}`);
    return 64;
  }
  if (command.help) {
    process.stdout.write(help);
    return 0;
  }
  process.stderr.write(`seed ${command.seed}\n`);
  const report = await withProgress((progress) => run(command, progress));
  process.stdout.write(command.json ? `${JSON.stringify(report)}\n` : text(report));
  return report.violations.length === 0 ? 0 : 1;
}
