/** `hotspare version`: what to name in a report. */
import type { Command } from "commander";
import { programVersion } from "../../../shared/program-version.ts";
import { withExample, withJson, type CommandContext, type JsonOption } from "../command.ts";

export function versionCommand(program: Command, { print }: CommandContext): void {
  const command = program
    .command("version")
    .summary("show the versions of this program and what it runs on")
    .description("Shows the versions of this program and of what it runs on.");
  withExample(withJson(command), "hotspare version --json").action(({ json }: JsonOption) => {
    const versions = {
      hotspare: programVersion(),
      node: process.versions.node,
      sqlite: process.versions["sqlite"] ?? "none",
      platform: `${process.platform}-${process.arch}`,
    };
    print(json ? JSON.stringify(versions) : readable(versions));
  });
}

function readable({ hotspare, node, sqlite, platform }: Readonly<Record<string, string>>): string {
  return `hotspare ${hotspare} (Node.js ${node}, SQLite ${sqlite}, ${platform})`;
}
