/**
 * Upgrades (WebSocket) at a host, by http-proxy: the request goes there on a connection of its own, which is joined with the
 * client's if the host agrees. The library is given a stand-in for the client's request: what passes on was decided before.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createProxyServer } from "http-proxy";
import type { Address } from "../../shared/config/config.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import type { Sockets } from "../../shared/sockets.ts";

export type Fields = Record<string, string | string[]>;

export interface UpgradeRequest {
  readonly address: Address;
  /** As received, never parsed anew. */
  readonly path: string;
  readonly fields: Fields;
  readonly socket: Socket;
  /** What came behind the client's head. */
  readonly rest: Buffer;
}

export interface UpgradeListener {
  /** Before anything is written to the client: the host's answer, whose fields may still be changed. */
  answered(answer: IncomingMessage, upstream: Socket | null): void;
  /** The client's socket ends after this returns. */
  failed(): void;
}

export class UpgradeUpstream {
  readonly #proxy = createProxyServer();
  readonly #agent: DialingAgent;

  constructor(sockets: Sockets) {
    this.#agent = new DialingAgent(sockets, { keepAlive: false });
    this.#proxy.on("proxyReqWs", (request, stand) => (stand as unknown as UpgradeStand).asked(request));
    // Each call has a callback of its own; this is for errors that come after it, of sockets that are being closed anyway.
    this.#proxy.on("error", () => undefined);
  }

  send({ address, path, fields, socket, rest }: UpgradeRequest, listener: UpgradeListener): void {
    const { host, port } = address;
    const stand: UpgradeStand = {
      method: "GET",
      headers: fields,
      url: path,
      httpVersion: "1.1",
      httpVersionMajor: 1,
      socket,
      asked: (sent) => {
        // The library joins paths in its own way (`*`, an empty query).
        sent.path = path;
        sent.prependListener("response", (answer) => listener.answered(answer, null));
        sent.prependListener("upgrade", (answer, upstream: Socket) => listener.answered(answer, upstream));
        socket.once("close", () => sent.destroy());
      },
    };
    const options = {
      target: { host, port, protocol: "http:" },
      agent: this.#agent,
      toProxy: true,
      prependPath: false,
    };
    this.#proxy.ws(stand as unknown as IncomingMessage, socket, rest, options, () => listener.failed());
  }
}

interface UpgradeStand {
  readonly method: "GET";
  readonly headers: Fields;
  readonly url: string;
  readonly httpVersion: "1.1";
  readonly httpVersionMajor: 1;
  readonly socket: Socket;
  readonly asked: (request: ClientRequest) => void;
}
