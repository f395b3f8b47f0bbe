/** A proxy that runs, as whoever started it sees it. */
import type { Address } from "../shared/config/config.ts";
import type { ConfigStanding } from "../shared/config/config-standing.ts";
import type { ProxyStatus } from "./proxy-status.ts";

export interface RunningProxy {
  /** Where it listens: the ports that were given, also where the configuration says 0. */
  readonly addresses: { readonly listen: Address; readonly admin: Address; readonly gossip: Address };
  readonly status: () => ProxyStatus;
  /** Goes by another configuration from now on; nothing that is under way is broken off. What needs a restart must be as it was. */
  readonly configure: (standing: ConfigStanding) => void;
  /** Stops accepting, lets requests on the way end for a bounded time, closes everything. Idempotent. */
  readonly stop: () => Promise<void>;
}
