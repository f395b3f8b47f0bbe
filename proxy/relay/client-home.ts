/** What a client's connection needs of the data plane. */
import type { Socket } from "node:net";
import type { RequestHead } from "../http1/request-head.ts";
import type { Asker } from "./access-entry.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange.ts";

export interface ClientHome {
  /** Finds the request's pool and begins; `null`: it has been answered here. */
  exchange(client: Client): Exchange | null;
  upgrade(client: UpgradingClient): void;
  /** Connections end with the answers that are due. */
  readonly stops: boolean;
  nextId(): string;
  /** A request was refused while it was read. `asker`: who sent it, unless an exchange of it has begun, which says so itself. */
  refused(status: number, asker: Asker | null, requestId: string): void;
}

export interface UpgradingClient {
  readonly socket: Socket;
  readonly head: RequestHead;
  readonly forwarding: string;
  readonly address: string;
  /** What came behind the head. */
  readonly rest: Buffer;
}
