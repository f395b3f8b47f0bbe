/** `hotspare invite`: makes a token with which one machine may join, once and for a limited time. */
import type { Command } from "commander";
import { formatAddress, type HostConfig } from "../../../shared/config/config.ts";
import { formatDuration, parseDuration } from "../../../shared/config/duration.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { readSecret } from "../../../shared/config/read-secret.ts";
import { assert, HotspareError } from "../../../shared/errors.ts";
import { invitationToken } from "../../../shared/signature/invitation-key.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import { ClusterLink, nobodyAnswers } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { hostNamed } from "../host-named.ts";
import { formatJoinToken } from "../join/join-token.ts";

interface InviteOptions extends ConfigOption, JsonOption {
  readonly for: string;
  readonly host?: string;
}

const TIMEOUT_MS = 5000;
const SHORTEST_MS = 1000;
const LONGEST_MS = 24 * 60 * 60_000;

export function inviteCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("invite")
    .summary("make a token with which one machine joins")
    .description("Makes a token with which one machine may join the cluster, once and for a limited time.")
    .option("--for <time>", "how long it may be used, at most 24h", "1h")
    .option("--host <host>", "the new machine will ask this host; default: one that answers");
  withExample(withJson(withConfig(command, context)), "hotspare invite", "hotspare invite --for 10m --json").action(
    async (options: InviteOptions) => run(options, context),
  );
}

async function run({ config: file, for: time, host: named, json }: InviteOptions, context: CommandContext) {
  const { env, random, print } = context;
  const lifeMs = lifeOf(time);
  const config = loadConfig(file, env);
  const [secret, ...others] = readSecret(config.secret, env);
  assert(secret !== undefined, "a secret has a key");
  if ("file" in config.secret && others.length > 0) {
    const reason = "the secret is being replaced, and has several keys: finish `hotspare secret rotate` first";
    throw new HotspareError("HS_INVITATION_REFUSED", { reason });
  }
  const link = await ClusterLink.open(config, context);
  try {
    const host = await hostFor(named, link);
    const invitation = random.bytes(16).toString("hex");
    const body = { invitation, keyId: messageKey(secret).id, lifeMs };
    await link.send("invite", { id: host.id, address: host.control }, body, TIMEOUT_MS);
    const bytes = invitationToken(secret, invitation);
    const token = formatJoinToken({ cluster: config.cluster, host: host.id, bytes });
    const address = formatAddress(host.control);
    if (json) return print(JSON.stringify({ token, host: host.id, address, lifeMs }));
    print(`On the new machine, within ${formatDuration(lifeMs)}:
  hotspare join ${address} --token ${token} --id <name> --listen <address> --control <address>
It works once. Whoever has it gets the cluster's secret.`);
  } finally {
    link.close();
  }
}

async function hostFor(named: string | undefined, link: ClusterLink): Promise<HostConfig> {
  const { hosts } = await link.ask();
  if (named !== undefined) return hostNamed(link.config, named);
  const living = hosts.find(({ report }) => report !== null);
  if (living === undefined) throw nobodyAnswers(hosts);
  return living.host;
}

function lifeOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  throw new HotspareError("HS_USAGE", { reason: `--for: found ${text}, accepted is a time from 1s to 24h` });
}
