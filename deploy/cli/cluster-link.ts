/**
 * A command's way to the nodes: signed messages with the cluster's secret, as another node would send them, so that it works
 * from any machine that reaches the hosts, with or without proxies.
 */
import type { Clock } from "../../shared/clock.ts";
import {
  formatAddress,
  type Address,
  type Config,
  type HostConfig,
  type ProxyConfig,
} from "../../shared/config/config.ts";
import { effectiveConfig } from "../../shared/config/effective-config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Revision } from "../../shared/revisions/revision.ts";
import { newer, NO_DECISIONS, type Change, type Decisions } from "../../shared/revisions/decisions.ts";
import type { SecretBytes } from "../../shared/signature/message-key.ts";
import type { MessageClient, SendResult } from "../../shared/wire/message-client.ts";
import type { Answer, ClockOffset, MessageName, Request } from "../../shared/wire/messages.ts";
import type { FenceMessage, HostReport, PoolReport } from "../../shared/wire/reports.ts";
import type { CommandContext } from "./command.ts";
import { openCommandClient, sendError } from "./command-client.ts";
import { openCommandNetworks } from "./command-networks.ts";
import { operator } from "./operator.ts";

/** What one host said, or why it said nothing. */
export type HostWord =
  | { readonly host: HostConfig; readonly report: HostReport; readonly clock: ClockOffset; readonly reason: null }
  | { readonly host: HostConfig; readonly report: null; readonly reason: string };

export interface ClusterWord {
  readonly hosts: readonly HostWord[];
  /** The newest decisions that any of them has read. */
  readonly decisions: Decisions;
}

type Greeted = SendResult<"look"> | { readonly type: "nobody"; readonly reason: string };

const LOOK_MS = 2000;
const DECIDE_MS = 15_000;

export class ClusterLink {
  readonly #file: Config;
  /** The newest that any host has told of. */
  #decisions = NO_DECISIONS;
  /** Who asks, for the audit. */
  readonly by: string;
  readonly #client: MessageClient;
  readonly #clock: Clock;

  /** `keys`: where the secret is not in its place yet. @throws {HotspareError} HS_SECRET_UNREADABLE, HS_TLS_UNUSABLE. */
  static async open(config: Config, context: CommandContext, keys?: readonly SecretBytes[]): Promise<ClusterLink> {
    const { sockets } = await openCommandNetworks(config, ["control"], context);
    const client = openCommandClient(config, sockets.control, context, keys);
    return new ClusterLink(config, client, { clock: context.clock, by: operator(context.env) });
  }

  private constructor(config: Config, client: MessageClient, own: { readonly clock: Clock; readonly by: string }) {
    this.#file = config;
    this.by = own.by;
    this.#clock = own.clock;
    this.#client = client;
  }

  /** Of all nodes that there are, as far as hosts have said so: this copy of the file may not have them all yet, or still. */
  get config(): Config {
    return effectiveConfig(this.#file, this.#decisions);
  }

  close(): void {
    this.#client.close();
  }

  /** How all hosts are, those of the file at once, then any that they tell of. Never throws. */
  async ask(): Promise<ClusterWord> {
    const known = await this.#askHosts(this.#file.hosts);
    const others = this.config.hosts.filter(({ id }) => !known.some(({ host }) => host.id === id));
    return { hosts: [...known, ...(await this.#askHosts(others))], decisions: this.#decisions };
  }

  /** The same, of a cluster of which somebody must be there. @throws {HotspareError} HS_UNREACHABLE if no host answers. */
  async askSomebody(): Promise<ClusterWord> {
    const word = await this.ask();
    if (word.hosts.every(({ report }) => report === null)) throw nobodyAnswers(word.hosts);
    return word;
  }

  /** @throws {HotspareError} what the node refuses with, HS_UNREACHABLE. */
  async send<Name extends MessageName>(
    name: Name,
    node: { readonly id: NodeId; readonly address: Address },
    body: Request<Name>,
    timeoutMs: number,
  ): Promise<Answer<Name>> {
    const result = await this.#client.send(name, { to: node.id, address: node.address, body, timeoutMs });
    if (result.type === "answer") return result.answer;
    throw sendError({ id: node.id, control: node.address }, result);
  }

  /**
   * Writes the next revision through any host that answers; `base` is what the decision was made on.
   * @throws {HotspareError} HS_DECISION_REFUSED, HS_DECISION_CONFLICT, HS_UNREACHABLE if no host can write it.
   */
  async decide(change: Change, reason: string, { hosts, decisions }: ClusterWord): Promise<Answer<"decide">> {
    const body = { base: decisions.revision, change, by: this.by, reason };
    const living = hosts.filter(({ report }) => report !== null);
    const ordered = living.toSorted((a, b) => Number(b.report?.probe.ok) - Number(a.report?.probe.ok));
    let last: unknown = nobodyAnswers(hosts);
    for (const { host } of ordered) {
      try {
        return await this.send("decide", { id: host.id, address: host.control }, body, DECIDE_MS);
      } catch (error) {
        // It may be that host alone that has no vault, or has just gone; what was refused, others refuse too.
        if (!isPassing(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Tells all proxies to look at that host now. A hint: who does not answer finds out by itself. */
  async look(host: NodeId): Promise<void> {
    const { proxies } = this.config;
    const looks = proxies.map(({ id: to, gossip: address }) =>
      this.#client.send("look", { to, address, body: { host }, timeoutMs: LOOK_MS }),
    );
    await Promise.all(looks);
  }

  /** Whether that proxy is there and takes messages: by one that changes nothing. `null`: it is, else why not. Never throws. */
  async greet(proxy: Pick<ProxyConfig, "id" | "gossip">): Promise<string | null> {
    const result = await this.#greet(proxy);
    return result.type === "answer" ? null : result.reason;
  }

  /** The newest revision that a proxy knows, by the same hint; or why it does not say, `null` where it is too old to. Never throws. */
  async knownTo(
    proxy: Pick<ProxyConfig, "id" | "gossip">,
  ): Promise<{ readonly revision: number | null; readonly reason: string | null }> {
    const result = await this.#greet(proxy);
    if (result.type !== "answer") return { revision: null, reason: result.reason };
    return { revision: result.answer.revision ?? null, reason: null };
  }

  /** Which proxies answer, by the same hint; `null`: it does, else why not. Never throws. */
  async reach(): Promise<ReadonlyMap<NodeId, string | null>> {
    const asked = this.config.proxies.map(async (proxy) => [proxy.id, await this.greet(proxy)] as const);
    return new Map(await Promise.all(asked));
  }

  /** What was decided last, oldest first; asked of any host. Empty if none says. */
  async revisions({ hosts }: ClusterWord): Promise<readonly Revision[]> {
    for (const { host, report } of hosts) {
      if (report === null) continue;
      const sending = { to: host.id, address: host.control, body: { from: null, limit: 64 }, timeoutMs: DECIDE_MS };
      const result = await this.#client.send("revisions", sending);
      if (result.type === "answer") return result.answer.revisions;
    }
    return [];
  }

  async #greet({ id: to, gossip: address }: Pick<ProxyConfig, "id" | "gossip">): Promise<Greeted> {
    const [host] = this.config.hosts;
    if (host === undefined) return { type: "nobody", reason: "there is no host to speak of" };
    return await this.#client.send("look", { to, address, body: { host: host.id }, timeoutMs: LOOK_MS });
  }

  #askHosts(hosts: readonly HostConfig[]): Promise<readonly HostWord[]> {
    return Promise.all(hosts.map((host) => this.#askHost(host)));
  }

  async #askHost(host: HostConfig): Promise<HostWord> {
    // Not by the heartbeats' name and boot id: it teaches the host nothing of clocks.
    const body = { bootId: null, originMs: 0, revision: 0 };
    const sending = { to: host.id, address: host.control, body, timeoutMs: LOOK_MS };
    const result = await this.#client.send("heartbeat", sending);
    if (result.type !== "answer") return { host, report: null, reason: result.reason };
    const { report, decisions } = result.answer;
    this.#decisions = newer(this.#decisions, decisions ?? NO_DECISIONS);
    const clock = clockOf(result.answer, result.roundTripMs, this.#clock.wallMs());
    return { host, report, clock, reason: null };
  }
}

/** How far the host's clock is ahead of this machine's: it was read somewhere between asking and the answer. */
function clockOf({ receivedMs, sentMs }: Answer<"heartbeat">, roundTripMs: number, answeredMs: number): ClockOffset {
  return {
    offsetMs: (receivedMs + sentMs) / 2 - (answeredMs - roundTripMs / 2),
    errorMs: roundTripMs / 2 + READING_MS,
  };
}

/** Wall clocks are read in whole milliseconds. */
const READING_MS = 2;

export const poolIn = (report: HostReport, pool: PoolId): PoolReport | null =>
  report.pools.find((entry) => entry.pool === pool) ?? null;

type ServingHost = Extract<HostWord, { reason: null }>;

/** Who serves the pool: of several, who says so under the newest fence. `null`: nobody does. */
export function findServing({ hosts }: ClusterWord, pool: PoolId): ServingHost | null {
  const claims = hosts.flatMap((word) => {
    const entry = word.report && poolIn(word.report, pool);
    return word.report !== null && entry?.serving ? [{ word, epoch: entry.fence?.epoch ?? 0 }] : [];
  });
  return claims.toSorted((a, b) => b.epoch - a.epoch)[0]?.word ?? null;
}

/** The same. @throws {HotspareError} HS_POOL_UNSERVED, with what each host says. */
export function servingHost(word: ClusterWord, pool: PoolId): ServingHost {
  const { hosts } = word;
  const serving = findServing(word, pool);
  if (serving !== null) return serving;
  const reasons = hosts.map(({ host, report, reason }) => {
    const entry = report && poolIn(report, pool);
    return `${host.id}: ${reason ?? entry?.alarm ?? entry?.unfit ?? `it is ${entry?.role ?? "without that pool"}`}`;
  });
  throw new HotspareError("HS_POOL_UNSERVED", { pool, reason: reasons.join("; ") });
}

/** The newest fence that any host knows; `null`: nobody has begun yet, or nobody answers. */
export function newestFence({ hosts }: ClusterWord, pool: PoolId): FenceMessage | null {
  const fences = hosts.flatMap(({ report }) => (report && poolIn(report, pool)?.fence) ?? []);
  return fences.toSorted((a, b) => b.epoch - a.epoch)[0] ?? null;
}

export function nobodyAnswers(hosts: readonly HostWord[]): HotspareError {
  const address = hosts.map(({ host }) => formatAddress(host.control)).join(", ");
  const reason = hosts.map(({ host, reason: why }) => `${host.id}: ${why}`).join("; ");
  return new HotspareError("HS_UNREACHABLE", { what: "any host", address, reason });
}

const isPassing = (error: unknown): boolean =>
  error instanceof HotspareError && error.retry && !error.code.startsWith("HS_DECISION");
