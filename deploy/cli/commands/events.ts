/** `hotspare events`: what happened in the cluster and why, from all who can tell, in one line of time. */
import { InvalidArgumentError, type Command } from "commander";
import { parseDuration } from "../../../shared/config/duration.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { Sockets } from "../../../shared/sockets.ts";
import { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { eventLine, isSince, OnceTold, silentLine, type ClusterEvent, type Told } from "../events/cluster-event.ts";
import { operatorEvents } from "../events/operator-events.ts";
import { askNotes, followNotes, type Heard } from "../events/proxy-notes.ts";
import { takeoverEvents } from "../events/takeover-events.ts";
import { hostNamed } from "../host-named.ts";
import { Spinner } from "../spinner.ts";
import { hearStopSignals } from "../up/stop-signals.ts";

interface EventsOptions extends ConfigOption, JsonOption {
  readonly follow?: true;
  readonly since?: number;
  readonly limit: number;
  readonly host?: string;
}

const LIMIT = 100;
const MOST = 10_000;

export function eventsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("events")
    .summary("show what happened, and why")
    .description(
      "Shows what happened and why, oldest first: decisions of operators, takeovers from the vault, and what the proxies of this machine saw.",
    )
    .option("--follow", "go on with what happens, until Ctrl-C")
    .option("--since <time>", "only of the last 1h, 30m, …", readSince)
    .option("--limit <number>", `only the newest so many; default: ${LIMIT}`, readLimit, LIMIT)
    .option("--host <host>", "look through this host's mount point of the vault");
  const example = ["hotspare events --since 1h", "hotspare events --follow --json"];
  withExample(withJson(withConfig(command, context)), ...example).action(async (options: EventsOptions) =>
    run(options, context),
  );
}

async function run(options: EventsOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  // A name that is wrong is not what a vault that is not seen is.
  if (options.host !== undefined) hostNamed(config, options.host);
  const { sockets } = await openCommandNetworks(config, ["admin"], context);
  const spinner = new Spinner(context, "asking what happened");
  const asked = await ask(config, { ...options, admin: sockets.admin }, context).finally(() => spinner.end());
  const teller = new Teller(options, context);
  const fromMs = options.since === undefined ? 0 : context.clock.wallMs() - options.since;
  teller.tellAll(asked, isSince(fromMs), options.limit);
  refuseSilence(asked, config, options);
  if (options.follow) await follow(config, { proxies: asked.proxies, admin: sockets.admin, teller }, context);
}

type Asked = Told & Pick<Heard, "proxies">;

async function ask(
  config: Config,
  { host, limit, admin }: EventsOptions & { readonly admin: Sockets },
  context: CommandContext,
): Promise<Asked> {
  const { clock } = context;
  const [operators, takeovers, notes] = await Promise.all([
    askOperators(config, { limit }, context),
    takeoverEvents(config, { host, clock }),
    askNotes(config, { admin, clock }),
  ]);
  const all = [operators, takeovers, notes];
  return {
    events: all.flatMap(({ events }) => events).toSorted((a, b) => a.atMs - b.atMs),
    silent: all.flatMap(({ silent }) => silent),
    proxies: notes.proxies,
  };
}

/** Without the secret the others can still tell. */
async function askOperators(
  config: Config,
  wanted: { readonly limit: number; readonly from?: number },
  context: CommandContext,
): Promise<Told> {
  try {
    const link = await ClusterLink.open(config, context);
    return await operatorEvents(link, wanted).finally(() => link.close());
  } catch (error) {
    return { events: [], silent: [{ source: "operators", what: "revisions", reason: reasonOf(error) }] };
  }
}

/** What is printed of each: a line for people, an object for programs. */
class Teller {
  readonly #options: EventsOptions;
  readonly #context: CommandContext;
  readonly #once = new OnceTold();

  constructor(options: EventsOptions, context: CommandContext) {
    this.#options = options;
    this.#context = context;
  }

  tellAll({ events, silent }: Told, wanted: (event: ClusterEvent) => boolean, limit: number): void {
    const { json } = this.#options;
    for (const event of events.filter((one) => wanted(one) && this.#isShown(one)).slice(-limit)) this.#print(event);
    for (const one of silent) this.#context.print(json ? JSON.stringify({ silent: one }) : silentLine(one));
  }

  tell(event: ClusterEvent): void {
    if (this.#isShown(event)) this.#print(event);
  }

  #isShown(event: ClusterEvent): boolean {
    return this.#options.json === true || (event.text !== null && this.#once.isNew(event));
  }

  #print(event: ClusterEvent): void {
    const { print, colours } = this.#context;
    print(this.#options.json ? JSON.stringify(event) : (eventLine(event, colours) ?? ""));
  }
}

/** @throws {HotspareError} HS_UNREACHABLE if nobody could tell anything, or nobody can be followed. */
function refuseSilence({ silent, proxies }: Asked, { file }: Config, { follow: follows }: EventsOptions): void {
  const sources = new Set(silent.map(({ source }) => source));
  const nobody = proxies.length === 0 && sources.has("operators") && sources.has("vault");
  const reason = silent.map(({ what, reason: why }) => `${what}: ${why}`).join("; ");
  if (nobody) throw new HotspareError("HS_UNREACHABLE", { what: "anybody who could tell", address: file, reason });
  if (follows && proxies.length === 0) {
    const address = "its admin address";
    throw new HotspareError("HS_UNREACHABLE", { what: "a proxy of this machine, to be followed,", address, reason });
  }
}

interface Following extends Pick<Heard, "proxies"> {
  readonly admin: Sockets;
  readonly teller: Teller;
}

async function follow(config: Config, { proxies, admin, teller }: Following, context: CommandContext): Promise<void> {
  const { clock } = context;
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new Error("stopped"));
  const signals = hearStopSignals(clock, { stop, hurry: stop });
  let revision = 0;
  const heard = (event: ClusterEvent): void => {
    teller.tell(event);
    const newest = event.type === "decided" ? Number(event.details["revision"]) : 0;
    if (newest <= revision) return;
    revision = newest;
    const none = { events: [], silent: [] };
    // Who decided and why only hosts can say.
    void askOperators(config, { limit: 1, from: newest }, context)
      .catch(() => none)
      .then(({ events }) => events.forEach((one) => teller.tell(one)));
  };
  const { signal } = stopping;
  await Promise.all(proxies.map((proxy) => followNotes(proxy, { admin, clock, signal }, heard)));
  signals.end();
}

function readSince(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new InvalidArgumentError("accepted is a span of time such as 1h");
}

function readLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new InvalidArgumentError(`accepted is a number from 1 to ${MOST}`);
}
