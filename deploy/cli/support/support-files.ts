/** What goes into a support bundle: each file with how it is collected. One that cannot be is a file that says why. */
import { spawn } from "node:child_process";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DialingAgent } from "../../../shared/dialing-agent.ts";
import { formatAddress, type Address, type Config } from "../../../shared/config/config.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { NodeSockets, Sockets } from "../../../shared/sockets.ts";
import { exchange } from "../../../shared/wire/http-exchange.ts";
import type { CommandContext } from "../command.ts";
import { inTime } from "../in-time.ts";

export interface SupportFile {
  readonly name: string;
  readonly collect: () => Promise<string>;
}

export interface SupportParts {
  readonly config: Config;
  readonly sockets: Pick<NodeSockets, "admin" | "control"> | null;
  /** A folder of log files; `null`: those beside the configuration, and the journal of this machine. */
  readonly logs: string | null;
}

const COMMAND_MS = 60_000;
const METRICS_MS = 3000;
const LISTING_MS = 20_000;
const MAX_METRICS_BYTES = 4 * 1024 * 1024;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const MOST_LOGS = 64;
const MOST_NAMES = 200_000;
const JOURNAL_LINES = "50000";

export async function supportFiles(parts: SupportParts, context: CommandContext): Promise<readonly SupportFile[]> {
  return [
    ...commandFiles(parts.config, context),
    ...metricsFiles(parts, context),
    { name: "vault-files.txt", collect: () => listing(parts.config, context) },
    ...(await logFiles(parts, context)),
  ];
}

// --- What other commands say ------------------------------------------------------------------------------------------

function commandFiles(config: Config, context: CommandContext): readonly SupportFile[] {
  const history = config.pools.map(({ id }) => [`history-${id}.json`, "history", "--json", "--pool", id] as const);
  const commands = [
    ["version.json", "version", "--json"],
    ["configuration.json", "config", "show", "--effective", "--json"],
    ["status.json", "status", "--json"],
    ["doctor.json", "doctor", "--json"],
    ["events.ndjson", "events", "--json", "--limit", "10000"],
    ["secret-key-ids.json", "secret", "show", "--json"],
    ["vault.json", "vault", "list", "--json"],
    ...history,
  ] as const;
  return commands.map(([name, ...args]) => ({ name, collect: () => ownCommand(config, args, context) }));
}

/** A process of its own: one that hangs is ended, and what fails still says something. */
function ownCommand(config: Config, args: readonly string[], context: CommandContext): Promise<string> {
  const [node, main] = context.program;
  const named = args[0] === "version" ? args : [...args, "--config", config.file];
  return outputOf(node, [main, ...named], context);
}

function outputOf(program: string, args: readonly string[], { clock, env }: CommandContext): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...env } });
    const cancel = clock.after(COMMAND_MS, () => child.kill("SIGKILL"));
    const chunks: Buffer[] = [];
    let bytes = 0;
    const hear = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", (error) => {
      cancel();
      reject(error);
    });
    child.once("close", (code, signal) => {
      cancel();
      const end = code === 0 ? "" : `\nended with ${signal ?? code}\n`;
      resolve(`${Buffer.concat(chunks).toString("utf8")}${end}`);
    });
  });
}

// --- Metrics ----------------------------------------------------------------------------------------------------------

function metricsFiles({ config, sockets }: SupportParts, context: CommandContext): readonly SupportFile[] {
  if (sockets === null) return [];
  const hosts = config.hosts.map(({ id, control }) => ({ id, address: control, by: sockets.control }));
  const proxies = config.proxies.map(({ id, admin }) => ({ id, address: admin, by: sockets.admin }));
  return [...hosts, ...proxies].map(({ id, address, by }) => ({
    name: `metrics-${id}.txt`,
    collect: () => metrics(address, by, context),
  }));
}

async function metrics(address: Address, sockets: Sockets, { clock }: CommandContext): Promise<string> {
  const agent = new DialingAgent(sockets, { keepAlive: false });
  const answer = await exchange({
    method: "GET",
    path: "/metrics",
    address,
    headers: { host: formatAddress(address) },
    body: Buffer.alloc(0),
    timeoutMs: METRICS_MS,
    maxAnswerBytes: MAX_METRICS_BYTES,
    agent,
    clock,
  });
  agent.destroy();
  return answer.type === "answered" ? answer.body.toString("utf8") : `not collected: ${answer.reason}\n`;
}

// --- The vault --------------------------------------------------------------------------------------------------------

/** Names and sizes; nothing of what is in them. */
function listing({ vault }: Config, { clock }: CommandContext): Promise<string> {
  const { directory } = vault;
  return inTime(listFolder(directory), `not collected: ${directory} does not answer\n`, {
    clock,
    timeoutMs: LISTING_MS,
  });
}

async function listFolder(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true });
  const lines: string[] = [];
  for (const name of names.toSorted().slice(0, MOST_NAMES)) {
    const found = await stat(join(directory, name)).catch(() => null);
    if (found?.isFile()) lines.push(`${String(found.size).padStart(12)}  ${found.mtime.toISOString()}  ${name}`);
  }
  return `${lines.join("\n")}\n`;
}

// --- Logs -------------------------------------------------------------------------------------------------------------

async function logFiles({ config, logs }: SupportParts, context: CommandContext): Promise<readonly SupportFile[]> {
  const folder = logs ?? join(dirname(config.file), "logs");
  const names = await readdir(folder).catch((error: unknown) => {
    // Nobody said that there is one.
    if (logs === null) return [];
    throw new HotspareError("HS_USAGE", { reason: `cannot read the folder of logs: ${reasonOf(error)}` });
  });
  const found = names
    .filter((name) => /\.log(?:\.old|\.\d+)?$/.test(name))
    .toSorted()
    .slice(0, MOST_LOGS);
  const files = found.map((name) => ({ name: `logs/${basename(name)}`, collect: () => tail(join(folder, name)) }));
  if (logs !== null || files.length > 0) return files;
  const args = ["-u", "hotspare-*", "-n", JOURNAL_LINES, "-o", "cat", "--no-pager"];
  return [{ name: "logs/journal.log", collect: () => outputOf("journalctl", args, context) }];
}

/** The end of it, from the beginning of a line. */
async function tail(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - MAX_LOG_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, MAX_LOG_BYTES)), 0, undefined, from);
    const text = buffer.toString("utf8", 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await handle.close();
  }
}
