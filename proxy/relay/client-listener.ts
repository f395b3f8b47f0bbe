/**
 * Where clients connect. Keeps account of their connections: bounded in number, each looked at once a second, ended in
 * order when the proxy stops.
 */
import { Server, type Socket } from "node:net";
import type { Cancel, Clock } from "../../shared/clock.ts";
import type { Address } from "../../shared/config/config.ts";
import type { Sockets } from "../../shared/sockets.ts";

/** A client's connection, whatever is spoken on it. */
export interface Connection {
  /** Nothing is under way on it. */
  readonly isIdle: boolean;
  /** Called once a second. */
  sweep(): void;
  /** Ends it if it is idle; else with the answers that are due. */
  leave(): void;
  destroy(): void;
}

export interface ClientListenerOptions {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly accept: (socket: Socket) => Connection;
}

/** More than the requests that may be parked by default, each on a connection of its own. */
const MOST_CONNECTIONS = 20_000;
const SWEEP_MS = 1000;
const PROBE_MS = 30_000;
/** How long a connection at rest is kept when the proxy stops: a client's request may be on its way on it. */
const LEAVE_MS = 500;

export class ClientListener {
  readonly #options: ClientListenerOptions;
  readonly #server = new ConnectionServer({
    allowHalfOpen: true,
    noDelay: true,
    // A client that is gone without a word is found out, also while nothing is due to it.
    keepAlive: true,
    keepAliveInitialDelay: PROBE_MS,
  });
  /** Oldest first. */
  readonly #connections = new Map<Socket, Connection>();
  #sweep: Cancel | null = null;
  #stops = false;

  constructor(options: ClientListenerOptions) {
    this.#options = options;
    this.#server.on("connection", (socket: Socket) => this.#accept(socket));
  }

  /** No more requests on a connection than the one that is under way. */
  get stops(): boolean {
    return this.#stops;
  }

  /** @throws {HotspareError} HS_PORT_TAKEN if it cannot listen there. */
  listen(address: Address): Promise<Address> {
    return this.#options.sockets.listen(this.#server, address, "listen");
  }

  /** What is said on `socket` from now on is `connection`'s. */
  replace(socket: Socket, connection: Connection): void {
    if (this.#connections.has(socket)) this.#connections.set(socket, connection);
  }

  /**
   * Stops accepting, lets what is under way end for at most `graceMs`, then calls `breakOff` and ends the rest. What comes on
   * connections that are there is answered, as the last on them; one that nothing comes on is closed after a moment.
   */
  async stop(graceMs: number, breakOff: () => void): Promise<void> {
    this.#stops = true;
    const { clock } = this.#options;
    if (this.#server.listening) {
      const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
      const cancels = [
        clock.after(Math.min(graceMs, LEAVE_MS), () => this.#leaveAll()),
        clock.after(graceMs, () => {
          breakOff();
          for (const connection of this.#connections.values()) connection.destroy();
        }),
      ];
      await closed;
      for (const cancel of cancels) cancel();
    }
    this.#sweep?.();
    this.#sweep = null;
  }

  #leaveAll(): void {
    this.#server.closeIdleConnections();
    for (const connection of this.#connections.values()) connection.leave();
  }

  #accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#connections.size >= MOST_CONNECTIONS && !this.#makeRoom()) return void socket.destroy();
    this.#connections.set(socket, this.#options.accept(socket));
    socket.once("close", () => this.#connections.delete(socket));
    this.#arm();
  }

  /** Whoever has said nothing for the longest gives way to who may say something. */
  #makeRoom(): boolean {
    for (const connection of this.#connections.values()) {
      if (!connection.isIdle) continue;
      connection.destroy();
      return true;
    }
    return false;
  }

  #arm(): void {
    this.#sweep ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#sweep = null;
      for (const connection of this.#connections.values()) connection.sweep();
      if (this.#connections.size > 0) this.#arm();
    });
  }
}

/** A server as `Sockets` binds it; TLS puts itself before it. */
class ConnectionServer extends Server {
  readonly protocols: readonly string[] = ["h2", "http/1.1"];

  /** Its connections are kept account of elsewhere; TLS ends here what has not finished its handshake. */
  closeIdleConnections(): void {}
}
