/**
 * Where HTTP meets the network: servers are bound and connections are dialled here and nowhere else. An argument, so that
 * a simulation can stand in for it; only a `main.ts`, and what starts a whole process, names the real one. A server that
 * cannot be bound is an error; a connection that fails says so itself, as a `net.Socket` does.
 */
import { connect, type AddressInfo, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { formatAddress, type Address } from "./config/config.ts";
import { HotspareError, reasonOf } from "./errors.ts";

/** What can be bound: a server of `node:http`, or one that handles its connections itself. */
export interface BoundServer extends Server {
  /** What it speaks over TLS, the preferred first; HTTP/1.1 if it does not say. */
  readonly protocols?: readonly string[];
  /** Ends connections that nothing is under way on. */
  closeIdleConnections(): void;
}

export interface Sockets {
  /**
   * Binds `server`, named `what` in an error; resolves to the address with the port that was given.
   * @throws {HotspareError} HS_PORT_TAKEN
   */
  listen(server: BoundServer, address: Address, what: string): Promise<Address>;
  /** A connection on its way, or what fails with `error`; `onceOpen` tells when it stands. */
  dial(address: Address): Socket;
}

/** The sockets of a node, by what is spoken over them: each has TLS of its own, or none. */
export interface NodeSockets {
  /** Where clients connect. */
  readonly public: Sockets;
  readonly admin: Sockets;
  /** Messages between nodes. */
  readonly control: Sockets;
  /** Requests from proxies to hosts. */
  readonly data: Sockets;
  /** Never with TLS: for a look whether a connection is taken at all. */
  readonly bare: Sockets;
}

/** The same sockets for everything: a node without TLS. */
export const sameSockets = (sockets: Sockets): NodeSockets => ({
  public: sockets,
  admin: sockets,
  control: sockets,
  data: sockets,
  bare: sockets,
});

/** Calls `run` as soon as what is written on `socket` can reach the other side: with TLS that is after the handshake. */
export function onceOpen(socket: Socket, run: () => void): void {
  const isTls = (socket as Partial<TLSSocket>).encrypted === true;
  if (isTls && (socket as TLSSocket).getPeerFinished() === undefined) socket.once("secureConnect", run);
  else if (socket.connecting) socket.once("connect", run);
  else run();
}

export const systemSockets: Sockets = {
  listen: listenWith({}),
  dial: ({ host, port }) => connect({ host, port, noDelay: true }),
};

/**
 * As `systemSockets`, but others of the same user that listen so too may be bound to the same address: each has a queue of
 * its own, and the system spreads connections over them. On Linux.
 */
export const sharingSockets: Sockets = { ...systemSockets, listen: listenWith({ reusePort: true }) };

function listenWith(how: { readonly reusePort?: true }): Sockets["listen"] {
  return async (server, address, what) => {
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void => reject(portTaken(address, what, cause));
      server.once("error", fail);
      server.listen({ host: address.host, port: address.port, ...how }, () => {
        server.off("error", fail);
        resolve();
      });
    });
    return { host: address.host, port: (server.address() as AddressInfo).port };
  };
}

export const portTaken = (address: Address, what: string, cause: Error): HotspareError =>
  new HotspareError("HS_PORT_TAKEN", { address: formatAddress(address), what, reason: reasonOf(cause) }, { cause });
