/**
 * The admin listener: status page, status as JSON, changes as server-sent events, metrics, and the two probes. Nothing
 * here changes anything. There are no tokens, so it listens on loopback only, and answers only to names of loopback: a web page
 * elsewhere cannot read it by pointing its own name here.
 */
import { fastify, type FastifyInstance, type FastifyReply } from "fastify";
import { formatAddress, type Address, type Config } from "../shared/config/config.ts";
import { isLoopback } from "../shared/config/parse-address.ts";
import { HotspareError } from "../shared/errors.ts";
import type { Sockets } from "../shared/sockets.ts";
import type { NoteFeed } from "./note-feed.ts";
import { mountProbes, type ProbeOptions } from "./probes.ts";
import type { ProxyStatus } from "./proxy-status.ts";
import { statusPage } from "./status-page.ts";

export interface AdminOptions extends ProbeOptions {
  readonly self: string;
  readonly status: () => ProxyStatus;
  readonly feed: NoteFeed;
  readonly sockets: Sockets;
}

const MAX_STREAMS = 100;
const MAX_UNREAD_BYTES = 1024 * 1024;

export class Admin {
  readonly #options: AdminOptions;
  readonly #server: FastifyInstance;
  readonly #streams = new Set<FastifyReply>();

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#server = fastify();
    this.#server.addHook("preClose", async () => this.#server.server.closeAllConnections());
    this.#addRoutes();
  }

  /** For what else it is to answer; before it listens. */
  get server(): FastifyInstance {
    return this.#server;
  }

  /** @throws {HotspareError} HS_PORT_TAKEN if it cannot listen there. */
  async listen(address: Address): Promise<Address> {
    await this.#server.ready();
    return this.#options.sockets.listen(this.#server.server, address, "admin");
  }

  async stop(): Promise<void> {
    for (const reply of this.#streams) reply.raw.end();
    await this.#server.close();
  }

  #addRoutes(): void {
    const { self, status } = this.#options;
    const server = this.#server;
    server.addHook("onRequest", async (request, reply) => {
      if (!isLoopback(request.hostname)) await reply.code(421).send({ error: "not a name of this listener" });
    });
    server.get("/", async (_, reply) => reply.type("text/html; charset=utf-8").send(statusPage(status(), self)));
    server.get("/api/v1/status", async () => status());
    server.get("/api/v1/events", (request, reply) => {
      const said = Number(request.headers["last-event-id"] ?? 0);
      const since = Number.isFinite(said) ? said : 0;
      if (request.headers.accept === "application/json") return reply.send(this.#events(since));
      return this.#stream(reply, since);
    });
    mountProbes(server, this.#options);
  }

  /** What is still kept, for who does not want to wait for more. */
  #events(since: number) {
    const { self, status, feed } = this.#options;
    const events = feed.since(since).map(({ number, atMs, note }) => ({ number, atMs, ...note }));
    return { cluster: status().cluster, self, events };
  }

  #stream(reply: FastifyReply, since: number): void {
    if (this.#streams.size >= MAX_STREAMS) return void reply.code(503).send({ error: "too many listeners" });
    const { feed } = this.#options;
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    reply.raw.write("retry: 1000\n\n");
    const write = ({ number, atMs, note }: ReturnType<NoteFeed["since"]>[number]): void => {
      // Who does not read what it asked for is cut off; it may come back and ask from where it was.
      if (reply.raw.writableLength > MAX_UNREAD_BYTES) return void reply.raw.destroy();
      reply.raw.write(`id: ${number}\nevent: ${note.type}\ndata: ${JSON.stringify({ atMs, ...note })}\n\n`);
    };
    for (const entry of feed.since(since)) write(entry);
    const end = feed.listen(write);
    this.#streams.add(reply);
    reply.raw.once("close", () => {
      end();
      this.#streams.delete(reply);
    });
  }
}

/** @throws {HotspareError} HS_CONFIG_INVALID if others could reach the admin listener: there is no token to ask them for. */
export function requireLoopback(config: Config, admin: Address): void {
  if (isLoopback(admin.host)) return;
  throw new HotspareError("HS_CONFIG_INVALID", {
    file: config.file,
    line: 0,
    key: "proxies[].admin",
    found: formatAddress(admin),
    accepted: "a loopback address: everything there is open to whoever can connect",
  });
}
