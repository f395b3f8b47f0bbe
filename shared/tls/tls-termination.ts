/**
 * Puts TLS before an HTTP server that goes on to bind, count and close its connections itself: each accepted connection
 * makes its handshake first, and only then is given to what the server does with connections. A tls.Server that never
 * listens makes the handshakes; Node.js documents that connections may be given to it so.
 *
 * Bounded: a handshake in time, the handshakes under way in number (the oldest gives way), a refused connection in both.
 * A client that is refused is told why over HTTP: by a certificate that is not trusted after the handshake, by plain HTTP
 * on a TLS port without one. A reset in its place would look to other nodes like the death of this one.
 */
import type { Socket } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { BoundServer } from "../sockets.ts";
import type { MessageRefused } from "../wire/message-server.ts";
import { isTlsFailure } from "./tls-failure.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { refuseTls } from "./tls-refusal.ts";

export interface TerminationOptions {
  readonly identity: TlsIdentity;
  readonly clock: Clock;
  /** As often as clients make it happen; `from` is a client's address. */
  readonly onRefused: (refusal: MessageRefused) => void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_HANDSHAKES = 512;
/** How long a refused client may take to read why. */
const REFUSED_MS = 2000;
const PLAIN_HTTP = "ERR_SSL_HTTP_REQUEST";

/** Call it before the server listens. */
export function terminateTls(server: BoundServer, options: TerminationOptions): void {
  new TlsTermination(server, options).begin();
}

class TlsTermination {
  readonly #server: BoundServer;
  readonly #options: TerminationOptions;
  readonly #tls: TlsServer;
  /** What the HTTP server does with a connection. */
  readonly #accept: readonly ((socket: Socket) => void)[];
  /** Connections that are not the HTTP server's yet, oldest first, by their other end. */
  readonly #pending = new Map<string, Socket>();

  constructor(server: BoundServer, options: TerminationOptions) {
    const { identity } = options;
    this.#server = server;
    this.#options = options;
    this.#accept = server.listeners("connection") as ((socket: Socket) => void)[];
    this.#tls = createServer({
      ...identity.server,
      requestCert: identity.mutual,
      // Whom it does not trust it tells so: see `#refuse`.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ALPNProtocols: [...(server.protocols ?? ["http/1.1"])],
    });
  }

  begin(): void {
    const server = this.#server;
    const { identity } = this.#options;
    server.removeAllListeners("connection");
    server.on("connection", (raw) => this.#handshake(raw));
    this.#tls.on("secureConnection", (socket) => this.#secured(socket));
    this.#tls.on("tlsClientError", (error, socket) => this.#failed(error, socket));
    server.once(
      "close",
      identity.follow(() => this.#tls.setSecureContext(identity.server)),
    );
    // `close` calls it too: who has not finished the handshake has asked for nothing, and must not delay the end.
    const closeIdle = server.closeIdleConnections.bind(server);
    server.closeIdleConnections = () => {
      for (const raw of this.#pending.values()) raw.destroy();
      closeIdle();
    };
  }

  #handshake(raw: Socket): void {
    raw.on("error", () => raw.destroy());
    // Gone before it was looked at: it has no name by which it could be found again.
    if (raw.remoteAddress === undefined) return void raw.destroy();
    const name = nameOf(raw);
    this.#pending.set(name, raw);
    raw.once("close", () => this.#pending.delete(name));
    const [oldest] = this.#pending.values();
    if (this.#pending.size > MAX_HANDSHAKES) oldest?.destroy();
    this.#tls.emit("connection", raw);
  }

  #secured(socket: TLSSocket): void {
    if (this.#options.identity.mutual && !socket.authorized) return this.#refuse(socket, whyNot(socket), socket);
    this.#pending.delete(nameOf(socket));
    for (const accept of this.#accept) accept.call(this.#server, socket);
  }

  #failed(error: Error & { readonly code?: unknown }, socket: TLSSocket): void {
    const raw = this.#pending.get(nameOf(socket));
    if (error.code === PLAIN_HTTP && raw) return this.#refuse(raw, "this address speaks TLS (https)", raw);
    // Who only looked whether somebody listens here, and left, is not worth a word.
    if (isTlsFailure(error)) this.#tell(socket, reasonOf(error).trim());
    socket.destroy();
  }

  /** The connection stays among those that are pending until it ends. */
  #refuse(socket: Socket, reason: string, from: Socket): void {
    this.#tell(from, reason);
    const cancel = this.#options.clock.after(REFUSED_MS, () => socket.destroy());
    socket.once("close", cancel);
    socket.on("error", () => socket.destroy());
    refuseTls(socket, reason);
  }

  #tell({ remoteAddress }: Socket, reason: string): void {
    this.#options.onRefused({ code: "HS_TLS_REFUSED", reason, from: remoteAddress ?? null });
  }
}

function whyNot(socket: TLSSocket): string {
  if (socket.getPeerX509Certificate() === undefined) return "the client showed no certificate";
  return `the client's certificate is not trusted: ${String(socket.authorizationError)}`;
}

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
