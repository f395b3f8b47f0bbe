/**
 * Where messages of other proxies arrive: on the admin listener, or on an address of its own where the configuration gives
 * one, which then has the probes of the admin listener too. What is refused is counted, and told at a bounded rate.
 */
import { fastify, type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Clock } from "../shared/clock.ts";
import { formatAddress, type Address, type ProxyConfig } from "../shared/config/config.ts";
import type { BootId } from "../shared/ids.ts";
import type { NodeSockets } from "../shared/sockets.ts";
import type { MessageHandlers, MessageRefused } from "../shared/wire/message-server.ts";
import { RefusalNotices } from "../shared/wire/refusal-notices.ts";
import { mountProbes, type ProbeOptions } from "./probes.ts";

/** What a proxy does with messages that it gets. */
export interface InboxParts {
  readonly bootId: BootId;
  readonly handlers: Required<Pick<MessageHandlers, "gossip" | "look" | "configuration">>;
  readonly onRefused: (refusal: MessageRefused) => void;
}

/** Makes `server` take messages. */
export type MountInbox = (server: FastifyInstance, parts: InboxParts) => Promise<void>;

export interface GossipListenerOptions {
  readonly own: ProxyConfig;
  /** The admin server, not listening yet. */
  readonly admin: FastifyInstance;
  readonly mount: MountInbox;
  readonly parts: Omit<InboxParts, "onRefused">;
  readonly probes: ProbeOptions;
  readonly sockets: NodeSockets;
  readonly countRefused: (code: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Other proxies, and whoever else finds the port. */
const MAX_CONNECTIONS = 1024;

export class GossipListener {
  readonly #options: GossipListenerOptions;
  /** `null`: the admin server is it. */
  readonly #server: FastifyInstance | null;

  constructor(options: GossipListenerOptions) {
    const { gossip, admin } = options.own;
    this.#options = options;
    const apart = formatAddress(gossip) !== formatAddress(admin) || gossip.port === 0;
    this.#server = apart ? fastify({ requestTimeout: 10_000, bodyLimit: 1024, forceCloseConnections: true }) : null;
    if (this.#server) this.#server.server.maxConnections = MAX_CONNECTIONS;
  }

  /** Mounts the messages; to be called before the admin server listens. @throws {HotspareError} HS_PORT_TAKEN. */
  async listen(): Promise<Address> {
    const { own, admin, mount, parts, probes, sockets } = this.#options;
    await mount(this.#server ?? admin, { ...parts, onRefused: this.#counted() });
    if (this.#server === null) return own.gossip;
    mountProbes(this.#server, probes);
    await this.#server.ready();
    return sockets.control.listen(this.#server.server, own.gossip, "gossip");
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  #counted(): (refusal: MessageRefused) => void {
    const { countRefused, clock, log } = this.#options;
    const notices = new RefusalNotices(clock, (refusal, count) =>
      log.warn({ event: "refused", ...refusal, count }, "a message was refused"),
    );
    return (refusal) => {
      countRefused(refusal.code);
      notices.add(refusal);
    };
  }
}
