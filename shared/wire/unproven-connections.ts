/**
 * Bounds what strangers can do to a listener of messages by their connections. A connection is unproven until a message with
 * a valid signature came over it; that of a node is proven by its first one.
 *
 * - Over an unproven one a single message is looked at. If it is refused, or something else comes before it is answered,
 *   the connection is condemned: it ends with that answer, and whatever else was sent on it is not looked at.
 * - Of the unproven ones only so many are kept. The oldest makes room for the next, so that strangers who hold connections
 *   keep no node out.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Also those of probes and metrics, which are never proven. */
const MAX_UNPROVEN = 256;

export class UnprovenConnections {
  /** By the other end's address, which a connection and what is encrypted in it have in common. Oldest first. */
  readonly #unproven = new Map<string, Socket>();
  /** Those over which a message came. */
  readonly #states = new WeakMap<Socket, "waiting" | "proven" | "condemned">();

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const end = endOf(socket);
      this.#unproven.set(end, socket);
      socket.once("close", () => {
        if (this.#unproven.get(end) === socket) this.#unproven.delete(end);
      });
      const [oldest] = this.#unproven.values();
      if (this.#unproven.size > MAX_UNPROVEN) oldest?.destroy();
    });
  }

  /** A message comes. Whether it is to be looked at; if not, it is never answered. */
  admit(socket: Socket): boolean {
    const state = this.#states.get(socket);
    if (state === "proven") return true;
    this.#states.set(socket, state === undefined ? "waiting" : "condemned");
    return state === undefined;
  }

  /** The signature of its message is valid. */
  prove(socket: Socket): void {
    this.#unproven.delete(endOf(socket));
    if (!this.isCondemned(socket)) this.#states.set(socket, "proven");
  }

  condemn(socket: Socket): void {
    this.#states.set(socket, "condemned");
  }

  isCondemned(socket: Socket): boolean {
    return this.#states.get(socket) === "condemned";
  }
}

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
