/** Signed messages of a command: it speaks to hosts as another node would, under a name that nobody answers to. */
import { formatAddress, type Config, type HostConfig } from "../../shared/config/config.ts";
import { readSecret } from "../../shared/config/read-secret.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { KeyRing } from "../../shared/signature/key-ring.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { MessageClient, type SendFailure } from "../../shared/wire/message-client.ts";
import type { CommandContext } from "./command.ts";

const SELF = parseNodeId("cli");

/** To be closed. @throws {HotspareError} HS_SECRET_UNREADABLE */
export function openCommandClient(
  { cluster, secret }: Config,
  sockets: Sockets,
  { clock, random, env }: CommandContext,
): MessageClient {
  const keys = new KeyRing(readSecret(secret, env), clock);
  return new MessageClient({ self: SELF, cluster, secret: keys, clock, random, sockets });
}

/** What a host refuses keeps its own code: it knows why. */
export function sendError({ id, control }: Pick<HostConfig, "id" | "control">, result: SendFailure): HotspareError {
  if (result.kind === "rejected") return new HotspareError(result.code, result.details);
  const reason = `${result.kind}: ${result.reason}`;
  return new HotspareError("HS_UNREACHABLE", { what: id, address: formatAddress(control), reason });
}
