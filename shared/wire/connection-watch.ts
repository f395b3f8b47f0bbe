/**
 * Tells at once when the other side closes a kept connection on which nothing is under way: often the first sign of a
 * process's death. What this side closes, and what a request in flight has already reported, is not told.
 */
import type { Socket } from "node:net";
import type { NodeId } from "../ids.ts";

export class ConnectionWatch {
  readonly #onLost: (to: NodeId) => void;
  readonly #watched = new WeakSet<Socket>();
  readonly #abandoned = new WeakSet<Socket>();
  #stopped = false;

  constructor(onLost: (to: NodeId) => void) {
    this.#onLost = onLost;
  }

  /** A request goes to `to` on this connection, perhaps not the first. */
  used(socket: Socket, to: NodeId): void {
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.once("close", () => {
      if (!this.#stopped && !this.#abandoned.has(socket)) this.#onLost(to);
    });
  }

  /** A request on this connection failed, and whoever sent it knows. */
  abandoned(socket: Socket): void {
    this.#abandoned.add(socket);
  }

  stop(): void {
    this.#stopped = true;
  }
}
