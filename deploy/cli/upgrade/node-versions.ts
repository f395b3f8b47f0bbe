/**
 * Which versions the nodes of a cluster have. Hosts are asked by signed heartbeats, which change nothing there; of proxies
 * the status is read, as `hotspare status` does. Who does not answer is named with the reason.
 */
import type { Config, HostConfig } from "../../../shared/config/config.ts";
import type { NodeSockets } from "../../../shared/sockets.ts";
import { FIRST_FORMATS, type FormatRange } from "../../../shared/journal/record-formats.ts";
import type { MessageClient, SendFailure } from "../../../shared/wire/message-client.ts";
import type { PoolReport } from "../../../shared/wire/reports.ts";
import type { ProtocolRange } from "../../../shared/wire/protocol-range.ts";
import { clusterStatus } from "../cluster-status.ts";
import { openCommandClient } from "../command-client.ts";
import type { CommandContext } from "../command.ts";

export interface NodeVersions {
  readonly id: string;
  readonly kind: "host" | "proxy";
  /** Version of Hotspare; `null`: not known. So for all that follows. */
  readonly program: string | null;
  readonly node: string | null;
  readonly protocol: ProtocolRange | null;
  /** Versions of records that it reads; a proxy reads none. */
  readonly records: FormatRange | null;
  readonly configHash: string | null;
  readonly pools: readonly PoolReport[];
  /** Why it could not be asked. */
  readonly problem: string | null;
}

const TIMEOUT_MS = 2000;

/** Hosts, then proxies, in the order of the configuration. */
export async function nodeVersions(
  config: Config,
  sockets: Pick<NodeSockets, "admin" | "control">,
  context: CommandContext,
): Promise<readonly NodeVersions[]> {
  const client = openCommandClient(config, sockets.control, context);
  try {
    const hosts = Promise.all(config.hosts.map((host) => askHost(host, client, context)));
    const proxies = config.proxies.length === 0 ? [] : proxyVersions(config, sockets, context);
    return [...(await hosts), ...(await proxies)];
  } finally {
    client.close();
  }
}

/** Without a boot id: it changes nothing there. */
async function askHost(
  { id: to, control: address }: HostConfig,
  client: MessageClient,
  { clock }: CommandContext,
): Promise<NodeVersions> {
  const body = { bootId: null, originMs: clock.wallMs() };
  const result = await client.send("heartbeat", { to, address, body, timeoutMs: TIMEOUT_MS });
  if (result.type === "failed") return silentHost(to, result);
  const { version: program, node = null, formats, configHash, pools } = result.answer.report;
  const { protocol } = result;
  const records = formats?.records ?? FIRST_FORMATS;
  return { id: to, kind: "host", program, node, protocol, records, configHash, pools, problem: null };
}

/** One that has no version of the protocol in common says which it has. */
function silentHost(id: string, failure: SendFailure): NodeVersions {
  const { min, max } = failure.kind === "rejected" ? failure.details : {};
  const protocol = typeof min === "number" && typeof max === "number" ? { min, max } : null;
  const problem = `${failure.kind}: ${failure.reason}`;
  const unknown = { program: null, node: null, records: null, configHash: null, pools: [] };
  return { id, kind: "host", ...unknown, protocol, problem };
}

async function proxyVersions(
  config: Config,
  sockets: Pick<NodeSockets, "admin" | "control">,
  { clock }: CommandContext,
): Promise<readonly NodeVersions[]> {
  const { proxies } = await clusterStatus(config, { sockets, clock });
  return proxies.map(({ id, health, version, node, speaks, configHash, reason }) => ({
    id,
    kind: "proxy",
    program: version,
    node,
    protocol: speaks,
    records: null,
    configHash,
    pools: [],
    problem: version === null ? `${health}${reason === null ? "" : `: ${reason}`}` : null,
  }));
}
