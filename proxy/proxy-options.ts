/** What a proxy is made of: its configuration, and everything that it has from outside. */
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Clock } from "../shared/clock.ts";
import type { Config } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Random } from "../shared/random.ts";
import type { Decisions } from "../shared/revisions/decisions.ts";
import type { NodeSockets } from "../shared/sockets.ts";
import type { MountInbox } from "./gossip-listener.ts";
import type { DataPlaneOptions } from "./relay/data-plane.ts";
import type { Traffic } from "./relay/traffic.ts";
import type { Transport, TransportParts } from "./transport.ts";

export interface ProxyOptions {
  readonly config: Config;
  readonly id: NodeId;
  readonly clock: Clock;
  readonly random: Random;
  readonly sockets: NodeSockets;
  readonly log: Logger;
  readonly connect: (parts: TransportParts) => Transport;
  /** Makes `server` take messages of other proxies. */
  readonly mount: MountInbox;
  /** Ids of the keys that messages are accepted under; the first is the one that they are signed with. */
  readonly keyIds: () => readonly string[];
  /** Makes what carries the requests; absent: the proxy's own process does. */
  readonly traffic?: TrafficMaker;
  /** Told of everything that operations decide, as this proxy hears it; absent: nobody wants to know. */
  readonly onDecided?: (decisions: Decisions) => void;
  /** What else its metrics show: of its process, its certificates. */
  readonly registers?: readonly Registry[];
}

export type TrafficMaker = (parts: DataPlaneOptions) => Traffic;
