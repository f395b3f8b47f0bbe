/** `hotspare support`: collects into one file what somebody needs who is to help, without secrets. */
import type { Command } from "commander";
import type { Config } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { readSecret } from "../../../shared/config/read-secret.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { plainTable } from "../plain-table.ts";
import { sizeText } from "../size-text.ts";
import { Spinner } from "../spinner.ts";
import { Redactor } from "../support/redactor.ts";
import { supportFiles, type SupportParts } from "../support/support-files.ts";
import { writeBundle, type Bundle } from "../support/write-bundle.ts";

interface SupportOptions extends ConfigOption, JsonOption {
  readonly to?: string;
  readonly logs?: string;
}

export function supportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("support")
    .summary("collect what somebody needs who is to help")
    .description(
      "Collects status, doctor, events, history, configuration, metrics, the vault's listing and logs into one file, without secrets.",
    )
    .option("--to <path>", "a new .tar.gz, or a new folder; default: a .tar.gz here")
    .option(
      "--logs <folder>",
      "where the nodes' log files are; default: logs beside the configuration, else journalctl",
    );
  const example = "hotspare support --to /tmp/support.tar.gz --logs /var/log/hotspare";
  withExample(withJson(withConfig(command, context)), example).action(async (options: SupportOptions) =>
    run(options, context),
  );
}

async function run(options: SupportOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const to = options.to ?? defaultName(config, context);
  const sockets = await openSockets(config, context);
  const files = await supportFiles({ config, sockets, logs: options.logs ?? null }, context);
  const spinner = new Spinner(context, "collecting");
  const redactor = new Redactor(keysOf(config, context));
  const bundle = await writeBundle(to, files, redactor).finally(() => spinner.end());
  context.print(options.json ? JSON.stringify(bundle) : bundleText(bundle));
}

const defaultName = ({ cluster }: Config, { clock }: CommandContext): string => {
  const time = new Date(clock.wallMs()).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return `hotspare-support-${cluster}-${time}.tar.gz`;
};

/** What cannot be used is what the doctor tells. */
async function openSockets(config: Config, context: CommandContext): Promise<SupportParts["sockets"]> {
  try {
    return (await openCommandNetworks(config, ["admin", "control"], context)).sockets;
  } catch {
    return null;
  }
}

/** A key that cannot be read here cannot be looked for; its shape still can. */
function keysOf({ secret }: Config, { env }: CommandContext): readonly Buffer[] {
  try {
    return readSecret(secret, env);
  } catch {
    return [];
  }
}

function bundleText({ path, files, unpacked }: Bundle): string {
  const rows = files.map(({ name, bytes }) => [name, sizeText(bytes)]);
  const folder = unpacked === null ? [] : [`It is a folder, because it could not be packed: ${unpacked}`];
  return [
    plainTable(["file", "size"], rows),
    "",
    `wrote ${path}`,
    ...folder,
    "Look through it before you send it: keys, passwords and cookies were taken out as far as they can be told, but nobody knows what your application logs.",
  ].join("\n");
}
