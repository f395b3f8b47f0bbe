/** `hotspare reenrol`: brings a host back that was deposed and waits for somebody to look (`rejoin: manual`). */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { exclusionOf } from "../../../shared/revisions/decisions.ts";
import { ClusterLink, type ClusterWord } from "../cluster-link.ts";
import { openCommandNetworks } from "../command-networks.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { hostNamed } from "../host-named.ts";
import { OperatedNode } from "../node/operated-node.ts";
import { Reenrolment } from "../reenrolment.ts";

interface ReenrolOptions extends ConfigOption, JsonOption {
  readonly online?: true;
  readonly dryRun?: true;
}

export function reenrolCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("reenrol <host>")
    .summary("bring a host back that was deposed and waits")
    .description(
      "Tells a host that was deposed to follow again, waits until it is a standby at the head of each pool and the proxies see it, and says each step. May be run at any time, twice, and from anywhere.",
    )
    .option("--online", "also if it was taken offline: brings it online first")
    .option("--dry-run", "only say how it is and what would be done");
  withExample(withJson(withConfig(command, context)), "hotspare reenrol host-a").action(
    async (host: string, options: ReenrolOptions) => run(host, options, context),
  );
}

async function run(name: string, options: ReenrolOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const { sockets } = await openCommandNetworks(config, ["admin", "control"], context);
  const link = await ClusterLink.open(config, context);
  const steps: string[] = [];
  const say = (step: string): void => {
    steps.push(step);
    if (!options.json) context.print(step);
  };
  try {
    const node = new OperatedNode(link, name);
    const look = await node.look();
    const { word } = look;
    const isOut = requireIn(name, word, options);
    if (isOut && look.state.state === "in transition") await node.refuseBusy(look);
    const reenrolment = new Reenrolment({ link, host: hostNamed(link.config, name), sockets, context, say });
    const lacks = reenrolment.lacks(word);
    if (options.dryRun) {
      say(`${name}: ${lacks ?? "it is warm"}`);
      say(plan(isOut, lacks));
    } else {
      if (isOut) await bringOnline(link, name, word);
      await reenrolment.run();
    }
    if (options.json) context.print(JSON.stringify({ host: name, warm: !options.dryRun || lacks === null, steps }));
  } finally {
    link.close();
  }
}

/** Whether it is out, and may be brought back. @throws {HotspareError} HS_DECISION_REFUSED. */
function requireIn(host: string, { decisions }: ClusterWord, { online }: ReenrolOptions): boolean {
  const reason = exclusionOf(decisions, host);
  if (reason === null) return false;
  if (online && !decisions.removed.includes(host)) return true;
  const way = decisions.removed.includes(host) ? "" : `; hotspare node online ${host} brings it back, or --online here`;
  throw new HotspareError("HS_DECISION_REFUSED", { reason: `${host} was ${reason}${way}` });
}

const bringOnline = (link: ClusterLink, node: string, word: ClusterWord): Promise<unknown> =>
  link.decide({ type: "online", node }, "it is re-enrolled", word);

function plan(isOut: boolean, lacks: string | null): string {
  if (lacks === null) return "Nothing would be done.";
  return `It would be ${isOut ? "brought online, " : ""}told to follow, and waited for. Nothing was changed.`;
}
