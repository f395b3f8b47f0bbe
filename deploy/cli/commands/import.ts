/** `hotspare import`: an existing SQLite file becomes the state of a new pool. */
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Config, HostConfig, PoolConfig } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { assert } from "../../../shared/errors.ts";
import { checkDataFolder } from "../../../shared/vault/data-folder.ts";
import { loadApp } from "../../../host/app/load-app.ts";
import type { LoadedApp } from "../../../host/app/app.ts";
import { lockDataFolder } from "../../../host/data-lock.ts";
import { choosePool } from "../choose-pool.ts";
import {
  withConfig,
  withExample,
  withJson,
  withPool,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
  type PoolOption,
} from "../command.ts";
import { hostNamed } from "../host-named.ts";
import { prepareImport, type PreparedImport } from "../import/prepare-import.ts";
import { publishImport, type PublishedImport } from "../import/publish-import.ts";
import { SourceFile } from "../import/source-file.ts";
import { findProblems, suggestSchema, type Finding, type SuggestedEntry } from "../import/suggest-schema.ts";
import { Spinner } from "../spinner.ts";
import { vaultDirectory, withVault } from "../vault/open-vault.ts";

interface ImportOptions extends ConfigOption, JsonOption, PoolOption {
  readonly host?: string;
  readonly app?: string;
  readonly without?: readonly string[];
  readonly schema?: true;
  readonly dryRun?: true;
}

interface Place {
  readonly config: Config;
  readonly pool: PoolConfig;
  readonly host: HostConfig;
  readonly app: LoadedApp;
}

export function importCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .summary("make an existing SQLite file the state of a new pool")
    .description(
      "Makes an existing SQLite file the state of a pool that has no history yet. The file is read and never changed; everything is tried locally before anything is published.",
    )
    .argument("<file>", "the SQLite file")
    .option("--host <host>", "as which host; it must not run (default: the first that the pool prefers)")
    .option("--app <app>", "the application with the schema (default: that of the pool)")
    .option("--without <table>", "leave this table of the file out; may be given several times", gather)
    .option("--schema", "only say what must change, and print the schema that an application for this file exports")
    .option("--dry-run", "try everything locally, and publish nothing");
  withExample(
    withJson(withPool(withConfig(command, context))),
    "hotspare import app.db --schema",
    "hotspare import app.db --pool main --config hotspare.yaml",
  ).action(async (file: string, options: ImportOptions) => run(resolve(file), options, context));
}

const gather = (table: string, before: readonly string[] = []): readonly string[] => [...before, table];

async function run(file: string, options: ImportOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const id = choosePool(config, options.pool);
  const pool = config.pools.find((found) => found.id === id);
  assert(pool !== undefined, "a pool that was chosen is configured");
  const source = new SourceFile(file, id);
  try {
    const problems = findProblems(source);
    if (options.schema) return tellSchema(problems, suggestSchema(source), options, context);
    if (!options.json) for (const line of problems.flatMap(problemLines)) context.warn(line);
    const host = hostNamed(config, options.host ?? pool.preferred[0] ?? "");
    const app = await loadApp(appName(options.app ?? pool.app), dirname(config.file));
    await importInto({ config, pool, host, app }, source, options, context);
  } finally {
    source.close();
  }
}

/** In the data folder of the host, which nobody else may use meanwhile. */
async function importInto(
  place: Place,
  source: SourceFile,
  options: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const { config, host, app, pool } = place;
  checkDataFolder(host.data, vaultDirectory(config, host.id));
  const unlock = lockDataFolder(host.data);
  const folder = join(host.data, "import");
  const spinner = new Spinner(context, `reading ${source.file}`);
  const progress = (text: string, done: number, total: number): void => spinner.progress(text, done, total);
  const { clock, random } = context;
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const without = options.without ?? [];
    const prepared = prepareImport({ source, app, without, folder, clock, random, progress });
    const published = options.dryRun
      ? null
      : await withVault(config, { host: host.id, clock }, ({ vault, directory }) =>
          publishImport({
            pool,
            host,
            schema: app.schema,
            prepared,
            vault,
            vaultDirectory: directory,
            clock,
            random,
            progress,
            takeoverTimeoutMs: config.takeover.timeoutMs,
          }),
        );
    spinner.end();
    tell(prepared, published, { place, options, context });
  } finally {
    spinner.end();
    rmSync(folder, { recursive: true, force: true });
    unlock();
  }
}

const appName = (app: string): string => (/^\.{0,2}\//.test(app) ? resolve(app) : app);

// --- What is told ---------------------------------------------------------------------------------------------------

function tellSchema(
  problems: readonly Finding[],
  schema: readonly SuggestedEntry[],
  { json }: ImportOptions,
  { print }: CommandContext,
): void {
  if (json) return print(JSON.stringify({ problems, schema }));
  const entries = schema.map(({ id, sql }) => `  { id: ${JSON.stringify(id)}, sql: ${JSON.stringify(sql)} },`);
  const lines = problems.flatMap(problemLines).map((line) => `// ${line.replaceAll("\n", " ")}`);
  print([...lines, "export const schema = [", ...entries, "];"].join("\n"));
}

const problemLines = ({ type, name, reason, suggestion }: Finding): readonly string[] => [
  `${type} ${name}: ${reason}`,
  ...(suggestion === null ? [] : [`  instead: ${suggestion}`]),
];

function tell(
  { tables, absent, records }: PreparedImport,
  published: PublishedImport | null,
  { place, options, context }: { place: Place; options: ImportOptions; context: CommandContext },
): void {
  const { pool, host } = place;
  const counted = tables.map(({ name, rows, hash }) => ({ name, rows, hash }));
  if (options.json) {
    return context.print(JSON.stringify({ pool: pool.id, host: host.id, tables: counted, absent, records, published }));
  }
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  for (const table of tables) context.print(`table ${table.name}: ${table.rows} rows, ${table.hash.slice(0, 12)}`);
  for (const name of absent) context.print(`table ${name}: not in the file; it is as the application makes it`);
  if (published === null) {
    return context.print(`All ${rows} rows fit, in ${records} records. Nothing was published (--dry-run)`);
  }
  const { slot, lsn, epoch } = published;
  context.print(`pool ${pool.id} has ${rows} rows: slot ${slot}, LSN ${lsn}, epoch ${epoch}, with a checkpoint`);
  context.print(`Next: hotspare host --id ${host.id} --config ${place.config.file}; it serves by itself`);
}
