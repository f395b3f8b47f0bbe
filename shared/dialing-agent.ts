/** The agent of `node:http` over the sockets that it is given: what to do with a connection is Node's, getting one is ours. */
import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import type { Socket } from "node:net";
import type { Sockets } from "./sockets.ts";

const PROBE_MS = 1000;

export class DialingAgent extends Agent {
  readonly #sockets: Sockets;
  readonly #keeps: boolean;

  constructor(sockets: Sockets, options: AgentOptions) {
    super(options);
    this.#sockets = sockets;
    this.#keeps = options.keepAlive === true;
  }

  override createConnection({ host, port }: ClientRequestArgs): Socket {
    const socket = this.#sockets.dial({ host: String(host), port: Number(port) });
    // As Node's own: the kernel asks now and then whether the other side of a kept connection is still there.
    if (this.#keeps) socket.setKeepAlive(true, PROBE_MS);
    return socket;
  }
}
