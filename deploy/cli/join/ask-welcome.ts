/** The one message of a machine that is no node yet: shows its token to the host that made it, and opens what it gets. */
import { Compile } from "typebox/compile";
import { TLS_SECTIONS, type Address, type TlsConfig, type TlsFiles } from "../../../shared/config/config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { NodeId } from "../../../shared/ids.ts";
import { silentLog } from "../../../shared/log.ts";
import { InvitationKey, welcomeAbout } from "../../../shared/signature/invitation-key.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { systemSockets } from "../../../shared/sockets.ts";
import { Networks } from "../../../shared/tls/networks.ts";
import { Welcome } from "../../../shared/wire/join-messages.ts";
import { MessageClient, type SendFailure } from "../../../shared/wire/message-client.ts";
import { sendError } from "../command-client.ts";
import type { CommandContext } from "../command.ts";
import type { JoinToken } from "./join-token.ts";

export interface Asking {
  readonly newcomer: NodeId;
  readonly token: JoinToken;
  readonly address: Address;
  /** Of this machine, where the cluster's nodes have TLS; `null`: they have none. */
  readonly tls: TlsFiles | null;
}

const TIMEOUT_MS = 15_000;
const schema = Compile(Welcome);

/** @throws {HotspareError} HS_INVITATION_REFUSED, HS_UNREACHABLE, HS_TLS_…; what that host cannot read. */
export async function askWelcome(asking: Asking, { clock, random }: CommandContext): Promise<Welcome> {
  const { newcomer, token, address } = asking;
  const { cluster, host } = token;
  const key = new InvitationKey(token.bytes);
  const opened = { tls: tlsOf(asking.tls), under: systemSockets, clock, log: silentLog };
  const sockets = (await Networks.open(["control"], opened)).sockets.control;
  const secret = new KeyRing([key.signing], clock);
  const client = new MessageClient({ self: newcomer, cluster, secret, clock, random, sockets });
  try {
    const result = await client.send("join", { to: host, address, body: {}, timeoutMs: TIMEOUT_MS });
    if (result.type !== "answer") throw refusal({ id: host, control: address }, result);
    return read(key.open(result.answer.sealed, welcomeAbout(cluster, host, newcomer)));
  } finally {
    client.close();
  }
}

function read(text: string | null): Welcome {
  const welcome: unknown = text === null ? null : JSON.parse(text);
  if (schema.Check(welcome)) return welcome;
  throw new HotspareError("HS_INVITATION_REFUSED", { reason: "what the host answered cannot be opened" });
}

/** Of a key that it does not know a host says no more than that. */
function refusal(host: { readonly id: NodeId; readonly control: Address }, result: SendFailure): HotspareError {
  if (result.kind !== "rejected" || result.code !== "HS_SIGNATURE_INVALID") return sendError(host, result);
  const reason = `${host.id} does not take this token: it is not its own, the host was started again since, or the clocks of the two machines are far apart (${result.reason})`;
  return new HotspareError("HS_INVITATION_REFUSED", { reason });
}

const tlsOf = (control: TlsFiles | null): TlsConfig =>
  ({ ...Object.fromEntries(TLS_SECTIONS.map((section) => [section, null])), control }) as TlsConfig;
