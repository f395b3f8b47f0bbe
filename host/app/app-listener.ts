/**
 * A host's data listener: one address for the applications of all its pools. A request names its pool in
 * `Hotspare-Pool`; where there is one pool, it need not. Limits are those of a server behind proxies: idle connections
 * are kept longer than a proxy keeps them, so that it is never the host that closes one that is just being used.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FastifyBaseLogger } from "fastify";
import type { Clock } from "../../shared/clock.ts";
import type { Address } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { makeProblem, problemOf, PROBLEM_TYPE, type Problem } from "../../shared/wire/problem.ts";
import { POOL_FIELD } from "../../shared/wire/fields.ts";
import type { AppServer } from "./app-server.ts";

const LIMITS = {
  keepAliveTimeout: 120_000,
  headersTimeout: 15_000,
  requestTimeout: 300_000,
  /** More than a proxy accepts from clients: it adds fields of its own. */
  maxHeaderSize: 32 * 1024,
} as const;

export interface AppListenerOptions {
  readonly servers: readonly AppServer[];
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly log: FastifyBaseLogger;
}

export class AppListener {
  readonly #servers: ReadonlyMap<string, AppServer>;
  readonly #only: AppServer | null;
  readonly #clock: Clock;
  readonly #sockets: Sockets;
  readonly #log: FastifyBaseLogger;
  readonly #http: Server;
  #closing = false;

  constructor({ servers, clock, sockets, log }: AppListenerOptions) {
    this.#servers = new Map(servers.map((server) => [server.pool, server]));
    this.#only = servers.length === 1 ? (servers[0] ?? null) : null;
    this.#clock = clock;
    this.#sockets = sockets;
    this.#log = log;
    this.#http = createServer(LIMITS, (request, response) => this.#route(request, response));
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on("clientError", refuseClient);
  }

  /** Binds, and returns the address with the port that was given. @throws {HotspareError} HS_PORT_TAKEN */
  async listen(address: Address): Promise<Address> {
    const bound = await this.#sockets.listen(this.#http, address, "application");
    this.#http.on("error", (error) => this.#log.error({ err: error }, "the data listener failed"));
    return bound;
  }

  /**
   * Stops accepting, lets what is being handled finish for at most `graceMs`, then cuts what is left and closes the
   * applications. Idempotent.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const cancel = this.#clock.after(graceMs, () => this.#http.closeAllConnections());
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
      this.#http.closeIdleConnections();
    });
    cancel();
    for (const server of this.#servers.values()) await server.close();
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    if (this.#closing) response.setHeader("connection", "close");
    else response.once("close", () => this.#closing && this.#http.closeIdleConnections());
    const server = this.#serverFor(request);
    if (server) return server.handle(request, response);
    const problem = problemOf(new HotspareError("HS_NO_ROUTE", { target: request.url ?? "" }));
    response.writeHead(problem.status, { "content-type": PROBLEM_TYPE }).end(JSON.stringify(problem));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = this.#serverFor(request)?.fastify.server;
    if (!target?.emit("upgrade", request, socket, head)) socket.destroy();
  }

  #serverFor({ headers }: IncomingMessage): AppServer | null {
    const pool = headers[POOL_FIELD];
    if (typeof pool !== "string") return this.#only;
    return this.#servers.get(pool) ?? null;
  }
}

/** What is no HTTP, or too slow, or too large: the answer that says so, and an end. */
function refuseClient(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable || (socket as Socket & { bytesWritten?: number }).destroyed) return void socket.destroy();
  const body = JSON.stringify(clientProblem(error));
  const { status, title } = clientProblem(error);
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function clientProblem({ code }: { code?: string }): Problem {
  const status = code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  return makeProblem({
    status,
    code: "HS_REQUEST_INVALID",
    detail: "The request was refused: it is not HTTP as it should be",
  });
}
