/**
 * A client's HTTP/2 connection: many requests at once. Node.js speaks the protocol; here its bounds are set, and it is ended
 * in order. An error of the session, or of what the client sends, ends the connection and nothing else.
 */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ClientHome } from "./client-home.ts";
import type { Connection } from "./client-listener.ts";
import { ForwardingLines, type ForwardedClient } from "./forwarding-lines.ts";
import { H2Client } from "./h2-client.ts";
import { Patience, type Phase } from "./patience.ts";
import type { StreamPlaces } from "./stream-places.ts";

export interface H2ConnectionOptions {
  /** With TLS, and `h2` agreed on. */
  readonly socket: Socket;
  readonly client: ForwardedClient;
  readonly home: ClientHome;
  readonly places: StreamPlaces;
}

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
const MOST_STREAMS = 100;
/** A head of 16 KiB in 200 fields, as the parser takes them, with the 32 bytes that the protocol adds to each. */
const MOST_LIST_BYTES = 24 * 1024;
/** More than the parser takes, which says why it refuses them. */
const MOST_FIELDS = 256;
/** Of all streams together; each has 64 KiB of its own. */
const WINDOW_BYTES = 1024 * 1024;
/** The largest head that is taken from a host, with the protocol's additions. */
const MOST_ANSWER_HEAD_BYTES = 256 * 1024;

/** Answers that were handed over and wait for their client: while there are more, its new requests are reset. */
const MOST_OWED_MIB = 64;

const SESSION = {
  settings: { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: MOST_LIST_BYTES, enablePush: false },
  maxHeaderListPairs: MOST_FIELDS,
  maxSendHeaderBlockLength: MOST_ANSWER_HEAD_BYTES,
  maxSessionMemory: MOST_OWED_MIB,
  maxSettings: 16,
  maxOutstandingPings: 2,
  maxOutstandingSettings: 2,
  // Counted over the life of a connection, which may be long.
  maxSessionInvalidFrames: 1000,
  maxSessionRejectedStreams: MOST_STREAMS,
  // A browser that leaves a page takes back all that it has asked for; nobody does so all the time (CVE-2023-44487).
  streamResetBurst: 5 * MOST_STREAMS,
  streamResetRate: 50,
  // What a host repeats passes as it does in HTTP/1.1.
  strictSingleValueFields: false,
};

export class H2Connection implements Connection {
  readonly #options: H2ConnectionOptions;
  readonly #session: ServerHttp2Session;
  readonly #forwardingLines: ForwardingLines;
  readonly #clients = new Set<H2Client>();
  readonly #patience = new Patience();
  /** Streams so far. */
  #begun = 0;

  constructor(options: H2ConnectionOptions) {
    this.#options = options;
    this.#forwardingLines = new ForwardingLines(options.client);
    this.#session = performServerHandshake(options.socket, SESSION);
    this.#session.setLocalWindowSize(WINDOW_BYTES);
    this.#session.on("stream", (stream, _, flags, fields) => this.#accept(stream, flags, fields));
    this.#session.on("error", ignore);
    // The listener lets connections stand half-open: a client of HTTP/2 that says nothing more takes nothing more.
    options.socket.on("end", () => this.destroy());
  }

  get isIdle(): boolean {
    return this.#clients.size === 0 && !this.#ends;
  }

  /** Pings are no reason to keep it: only requests are. */
  sweep(): void {
    for (const client of this.#clients) client.sweep();
    const phase = this.#waitsFor();
    if (!this.#patience.isOver(phase, { bytesRead: this.#begun, bytesWritten: 0, writableLength: 0 })) return;
    if (phase === "idle") this.leave();
    else this.destroy();
  }

  /** Says which requests were taken: what comes behind them the client may send again elsewhere, whatever it was. */
  leave(): void {
    this.#session.close();
  }

  destroy(): void {
    // Answers that were given in this turn leave before.
    setImmediate(() => {
      if (this.#clients.size === 0) this.#session.destroy();
      else this.#session.destroy(new Error("requests are broken off"), NGHTTP2_INTERNAL_ERROR);
      // A client that does not read would keep it.
      setImmediate(() => this.#options.socket.destroy());
    });
  }

  get #ends(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  #accept(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    const { places, client, home } = this.#options;
    stream.on("error", ignore);
    if (stream.closed || stream.destroyed) return;
    // The client may send it again: nothing was done with it.
    if (!places.take()) return stream.close(NGHTTP2_REFUSED_STREAM);
    const accepted = new H2Client({ stream, client, home, forwardingLines: this.#forwardingLines });
    this.#begun += 1;
    this.#clients.add(accepted);
    stream.once("close", () => {
      this.#clients.delete(accepted);
      places.give();
    });
    accepted.start(fields, { hasBody: (flags & NGHTTP2_FLAG_END_STREAM) === 0 });
  }

  #waitsFor(): Phase {
    if (this.#clients.size > 0) return "answer";
    return this.#ends ? "closing" : "idle";
  }
}

function ignore(): void {}
