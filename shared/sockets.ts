/**
 * Where HTTP meets the network: servers are bound and connections are dialled here and nowhere else. An argument, so that
 * a simulation can stand in for it; only a `main.ts`, and what starts a whole process, names the real one. A server that
 * cannot be bound is an error; a connection that fails says so itself, as a `net.Socket` does.
 */
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { formatAddress, type Address } from "./config/config.ts";
import { HotspareError, reasonOf } from "./errors.ts";

export interface Sockets {
  /**
   * Binds `server`, named `what` in an error; resolves to the address with the port that was given.
   * @throws {HotspareError} HS_PORT_TAKEN
   */
  listen(server: Server, address: Address, what: string): Promise<Address>;
  /** A connection on its way: emits `connect`, or `error`. */
  dial(address: Address): Socket;
}

export const systemSockets: Sockets = {
  async listen(server, address, what) {
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void => reject(portTaken(address, what, cause));
      server.once("error", fail);
      server.listen({ host: address.host, port: address.port }, () => {
        server.off("error", fail);
        resolve();
      });
    });
    return { host: address.host, port: (server.address() as AddressInfo).port };
  },
  dial: ({ host, port }) => connect({ host, port, noDelay: true }),
};

export const portTaken = (address: Address, what: string, cause: Error): HotspareError =>
  new HotspareError("HS_PORT_TAKEN", { address: formatAddress(address), what, reason: reasonOf(cause) }, { cause });
