/**
 * One request to one host, over `http-proxy` with keep-alive connections of our own. The library relays; it is given a
 * request and an answer that stand between it and the client, so that an attempt can fail, be given up and be made again
 * without the client noticing, and so that nothing reaches the client before the head of an answer has been looked at.
 *
 * Two rules of its own stand here because the library has neither: an attempt that is given up destroys its request, and
 * an answer that ends early is reported as broken, never as complete.
 */
import { EventEmitter } from "node:events";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { createProxyServer, type ServerOptions } from "http-proxy";
import type { Address } from "../../shared/config/config.ts";
import { onceOpen, type Sockets } from "../../shared/sockets.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import type { Fields } from "./forward-fields.ts";

export interface UpstreamRequest {
  readonly address: Address;
  readonly method: string;
  /** As received, never parsed anew. */
  readonly path: string;
  readonly fields: Fields;
  readonly body: Readable;
  readonly connection: "kept" | "fresh";
}

export interface UpstreamUpgrade extends Omit<UpstreamRequest, "method" | "body" | "connection"> {
  readonly socket: Socket;
  readonly head: Buffer;
}

export interface AttemptListener {
  /** The answer's head is here; its body has not been read. Called once at most. */
  answered(answer: IncomingMessage): void;
  /** There will be no answer. `sent`: a connection stood, so the host may have executed it. Not called after `answered`. */
  failed(sent: boolean): void;
}

export interface UpgradeListener {
  /** Before anything is written to the client: the host's answer, whose fields may still be changed. */
  answered(answer: IncomingMessage): void;
  /** The client's socket ends after this returns. */
  failed(): void;
}

const FREE_SOCKETS = 256;

export class Upstream {
  readonly #proxy = createProxyServer();
  readonly #sockets: Sockets;
  readonly #agents = new Map<string, DialingAgent>();
  readonly #fresh: DialingAgent;

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
    this.#fresh = new DialingAgent(sockets, { keepAlive: false });
    this.#proxy.on("proxyReq", (request, _, response, __, socket) => asAttempt(response).connecting(request, socket));
    this.#proxy.on("proxyRes", (answer, _, response) => asAttempt(response).answer(answer));
    this.#proxy.on("proxyReqWs", (request, stand) => (stand as unknown as UpgradeStand).asked(request));
    // Each call has a callback of its own; this is for errors that come after it, of sockets that are being closed anyway.
    this.#proxy.on("error", () => undefined);
  }

  send(request: UpstreamRequest, listener: AttemptListener): Attempt {
    const attempt = new Attempt(request, listener);
    const stand = {
      headers: request.fields,
      url: request.path,
      socket: { destroyed: false },
      httpVersionMajor: 1,
      on: ignore,
    };
    const options: ServerOptions = {
      ...this.#options(request.address),
      ...(request.connection === "fresh" ? { agent: this.#fresh, headers: { connection: "close" } } : {}),
      method: request.method,
      buffer: request.body,
      selfHandleResponse: true,
    };
    const response = attempt as unknown as ServerResponse;
    this.#proxy.web(stand as unknown as IncomingMessage, response, options, () => attempt.fail());
    return attempt;
  }

  upgrade(request: UpstreamUpgrade, listener: UpgradeListener): void {
    const stand: UpgradeStand = {
      method: "GET",
      headers: request.fields,
      url: request.path,
      httpVersion: "1.1",
      httpVersionMajor: 1,
      socket: request.socket,
      asked: (sent) => {
        sent.prependListener("response", (answer) => listener.answered(answer));
        sent.prependListener("upgrade", (answer) => listener.answered(answer));
        request.socket.once("close", () => sent.destroy());
      },
    };
    const message = stand as unknown as IncomingMessage;
    this.#proxy.ws(message, request.socket, request.head, this.#options(request.address), () => listener.failed());
  }

  /** Closes every connection that waits unused, to hosts that are not used any more. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #options({ host, port }: Address): ServerOptions {
    const agent = this.#agentOf(`${host}:${port}`);
    return { target: { host, port, protocol: "http:" }, agent, toProxy: true, prependPath: false };
  }

  #agentOf(name: string): DialingAgent {
    const known = this.#agents.get(name);
    if (known) return known;
    const agent = new DialingAgent(this.#sockets, {
      keepAlive: true,
      maxFreeSockets: FREE_SOCKETS,
      scheduling: "lifo",
    });
    this.#agents.set(name, agent);
    return agent;
  }
}

/** What the library takes for the client's `ServerResponse`. */
export class Attempt extends EventEmitter {
  readonly headersSent = false;
  readonly finished = false;
  readonly writableFinished = false;
  readonly #body: Readable;
  readonly #path: string;
  readonly #listener: AttemptListener;
  #state: "open" | "answered" | "ended" = "open";
  #sent = false;
  #request: ClientRequest | null = null;

  constructor({ body, path }: UpstreamRequest, listener: AttemptListener) {
    super();
    this.#body = body;
    this.#path = path;
    this.#listener = listener;
  }

  /** Whether the host may have begun to execute it. */
  get sent(): boolean {
    return this.#sent;
  }

  /** Ends it without a word to the listener; also an answer that has begun. */
  abort(): void {
    this.#state = "ended";
    this.#body.destroy();
    this.emit("close");
    this.#request?.destroy();
  }

  connecting(request: ClientRequest, socket: Socket): void {
    this.#request = request;
    // The library joins paths in its own way (`*`, an empty query); what Node's strict parser let in goes out as it came.
    const misread = request.path !== this.#path && request.headersSent;
    if (this.#state === "ended" || misread) return void request.destroy();
    request.path = this.#path;
    onceOpen(socket, () => (this.#sent = true));
  }

  answer(answer: IncomingMessage): void {
    // Whoever listens to no error of a stream is ended by it; that it is incomplete is seen when it closes.
    answer.on("error", ignore);
    if (this.#state !== "open") return void answer.destroy();
    this.#state = "answered";
    this.#listener.answered(answer);
  }

  fail(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#body.destroy();
    this.#listener.failed(this.#sent);
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

const asAttempt = (response: unknown): Attempt => response as Attempt;

const ignore = (): void => undefined;
