/** `hotspare doctor`: looks at everything that can be wrong with a cluster, and says how to mend it. Changes nothing. */
import type { Command } from "commander";
import { createColors } from "picocolors";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { diagnose } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { gatherFacts } from "../doctor/gather-facts.ts";
import { printable } from "../printable.ts";
import { Spinner } from "../spinner.ts";

export function doctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("doctor")
    .summary("look for what is wrong, and say how to mend it")
    .description(
      "Looks at configuration, secret, certificates, versions, listeners, clocks, vault and pools, from this machine. Exit code 0 if there is no error, else 69 or 78.",
    );
  withExample(withJson(withConfig(command, context)), "hotspare doctor --config hotspare.yaml").action(
    async (options: ConfigOption & JsonOption) => run(options, context),
  );
}

async function run({ config: file, json }: ConfigOption & JsonOption, context: CommandContext): Promise<void> {
  const config = loadConfig(file, context.env);
  const spinner = new Spinner(context, "looking at everything");
  const facts = await gatherFacts(config, context).finally(() => spinner.end());
  const findings = diagnose(facts);
  context.print(json ? JSON.stringify({ cluster: config.cluster, findings }) : findingsText(findings, context.colours));
  refuse(findings);
}

export function findingsText(findings: readonly Finding[], colours: boolean): string {
  const { red, yellow, green } = createColors(colours);
  const colour = { error: red, warning: yellow, ok: green };
  const lines = findings.flatMap(({ level, subject, text, mend }) => [
    `${colour[level](level.padEnd(7))}  ${subject}: ${printable(text)}`,
    ...(mend === null ? [] : [`           mend: ${printable(mend)}`]),
  ]);
  return lines.join("\n");
}

/** @throws {HotspareError} HS_MISCONFIGURED if an error stays until something is changed, else HS_UNWELL: for the exit code. */
function refuse(findings: readonly Finding[]): void {
  const errors = findings.filter(({ level }) => level === "error");
  const first = errors.find(({ stays }) => stays) ?? errors[0];
  if (first === undefined) return;
  const details = { errors: errors.length, reason: `${first.subject}: ${first.text}` };
  throw new HotspareError(first.stays ? "HS_MISCONFIGURED" : "HS_UNWELL", details);
}
