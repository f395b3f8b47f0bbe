/**
 * A server that is bound in the simulation. The kernel takes connections for it, also while its process is paused; closing
 * it refuses those that the process has not seen. It stands in for the handle of `net.Server`, so that `listening`,
 * `address` and `close` are Node's own.
 */
import { Server as HttpServer } from "node:http";
import type { Address } from "../../shared/config/config.ts";
import type { BoundServer } from "../../shared/sockets.ts";
import { SimEnd } from "./sim-end.ts";
import type { SimLife } from "./sim-life.ts";
import { SimSocket } from "./sim-socket.ts";
import type { SimWire } from "./sim-wire.ts";

/* oxlint-disable no-underscore-dangle -- the names are Node's */

/** What `net.Server` keeps. */
interface ServerParts {
  _handle: Handle | null;
  _connections: number;
  _emitCloseIfDrained(): void;
}

interface Handle {
  readonly close: () => void;
  readonly ref: () => void;
  readonly unref: () => void;
  readonly getsockname: (out: Record<string, unknown>) => number;
}

interface ListenerOptions {
  readonly wire: SimWire;
  readonly life: SimLife;
  readonly server: BoundServer;
  readonly address: Address;
  readonly unbind: () => void;
}

export class SimListener {
  readonly #options: ListenerOptions;
  readonly #parts: ServerParts;
  readonly #backlog = new Set<SimEnd>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#parts = options.server as unknown as ServerParts;
    options.life.listeners.add(this);
  }

  get machine(): string {
    return this.#options.life.machine;
  }

  open(): void {
    const { server } = this.#options;
    this.#parts._handle = this.#handle();
    server.emit("listening");
    stopChecks(server);
  }

  /** A connection from `client`, which the kernel takes; the process hears of it in its time. */
  take(client: SimEnd, from: Address): SimEnd {
    const { wire, life } = this.#options;
    const end = new SimEnd(wire, life);
    end.join(client);
    this.#backlog.add(end);
    life.deliver(() => this.#accept(end, from));
    return end;
  }

  close(): void {
    this.#options.unbind();
    this.#options.life.listeners.delete(this);
    for (const end of this.#backlog) end.abort();
    this.#backlog.clear();
  }

  #accept(end: SimEnd, remote: Address): void {
    if (!this.#backlog.delete(end)) return;
    const { server, address } = this.#options;
    const socket = new SimSocket({ end, local: address, remote, isDialling: false });
    this.#parts._connections += 1;
    socket.once("close", () => {
      this.#parts._connections -= 1;
      this.#parts._emitCloseIfDrained();
    });
    server.emit("connection", socket);
    socket.start();
  }

  #handle(): Handle {
    const { address } = this.#options;
    const ignore = (): void => undefined;
    const getsockname = (out: Record<string, unknown>): number => {
      Object.assign(out, { address: address.host, port: address.port, family: "IPv4" });
      return 0;
    };
    return { close: () => this.close(), ref: ignore, unref: ignore, getsockname };
  }
}

/**
 * Node looks for slow requests at an interval of real time, and that interval keeps a server in memory that was never
 * closed because its process crashed. It cannot be switched off, so it is ended where it began.
 */
function stopChecks(server: BoundServer): void {
  const symbol = Object.getOwnPropertySymbols(server).find((key) => key.description === CHECKS);
  if (symbol === undefined) {
    if (server instanceof HttpServer) throw new Error("node:http keeps its interval elsewhere now");
    return;
  }
  clearInterval((server as unknown as Record<symbol, NodeJS.Timeout>)[symbol]);
}

const CHECKS = "http.server.connectionsCheckingInterval";
