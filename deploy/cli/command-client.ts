/** Signed messages of a command: it speaks to hosts as another node would, under a name that nobody answers to. */
import { formatAddress, type Config, type HostConfig } from "../../shared/config/config.ts";
import { readSecret } from "../../shared/config/read-secret.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { KeyRing } from "../../shared/signature/key-ring.ts";
import type { SecretBytes } from "../../shared/signature/message-key.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { MessageClient, type SendFailure } from "../../shared/wire/message-client.ts";
import type { CommandContext } from "./command.ts";

const SELF = parseNodeId("cli");

/** To be closed. `keys`: where the secret is not in its place yet. @throws {HotspareError} HS_SECRET_UNREADABLE */
export function openCommandClient(
  { cluster, secret }: Config,
  sockets: Sockets,
  { clock, random, env }: CommandContext,
  keys: readonly SecretBytes[] = readSecret(secret, env),
): MessageClient {
  const ring = new KeyRing(keys, clock);
  return new MessageClient({ self: SELF, cluster, secret: ring, clock, random, sockets });
}

/** What a host refuses keeps its own code: it knows why. */
export function sendError({ id, control }: Pick<HostConfig, "id" | "control">, result: SendFailure): HotspareError {
  if (result.kind === "rejected") return new HotspareError(result.code, result.details);
  const reason = `${result.kind}: ${result.reason}`;
  return new HotspareError("HS_UNREACHABLE", { what: id, address: formatAddress(control), reason });
}
