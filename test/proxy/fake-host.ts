/** A host as a proxy sees it: a plain HTTP server that follows a script, and a report that the test writes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { parseNodeId, type NodeId } from "../../shared/ids.ts";
import type { Address } from "../../shared/config/config.ts";
import type { ClockOffset } from "../../shared/wire/messages.ts";
import type { FenceMessage, HostReport, PoolReport } from "../../shared/wire/reports.ts";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Script = (request: Received, response: ServerResponse, socket: Socket) => void;

const HEX = "0123456789abcdef";

export const hex = (digit: number, length = 32): string => (HEX[digit % 16] ?? "0").repeat(length);

export const fenceOf = (owner: string, epoch: number, bootId: string): FenceMessage => ({
  slot: epoch * 10,
  id: hex(epoch),
  hash: hex(epoch, 64),
  epoch,
  owner,
  bootId,
});

export const poolReport = (more: Partial<PoolReport> = {}): PoolReport => ({
  pool: "main",
  role: "standby",
  serving: false,
  fence: null,
  slot: 10,
  lsn: 5,
  logTimeMs: 1000,
  lagMs: 0,
  unfit: null,
  alarm: null,
  takingOver: false,
  ...more,
});

export const hostReport = (
  host: string,
  bootId: string,
  pool: Partial<PoolReport> = {},
  more: Partial<HostReport> = {},
): HostReport => ({
  host,
  bootId,
  vaultId: hex(15),
  version: "0.1.0",
  configHash: "c",
  mainTickAgeMs: 0,
  probe: { ok: true, ageMs: 10, latencyMs: 1 },
  candidate: true,
  pools: [poolReport(pool)],
  ...more,
});

export class FakeHost {
  readonly id: NodeId;
  readonly received: Received[] = [];
  readonly sockets = new Set<Socket>();
  bootId: string;
  report: HostReport;
  state: "alive" | "paused" | "dead" = "alive";
  script: Script = (_, response) => response.end(this.id);
  /** What the order to take over does; by default it serves in the next epoch. */
  ordered: (fence: string | null) => void = () => undefined;
  orders = 0;
  clockAheadMs = 0;
  /** How far its clock is ahead of the median, as it was told last. */
  heardClock: ClockOffset | null = null;
  readonly #server: Server;

  constructor(id: string, boot: number) {
    this.id = parseNodeId(id);
    this.bootId = hex(boot);
    this.report = hostReport(id, this.bootId);
    this.#server = createServer((request, response) => this.#accept(request, response));
    this.#server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.sockets.delete(socket));
    });
  }

  get server(): Server {
    return this.#server;
  }

  async listen(): Promise<Address> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  serve(epoch: number): void {
    this.report = hostReport(this.id, this.bootId, {
      role: "primary",
      serving: true,
      fence: fenceOf(this.id, epoch, this.bootId),
    });
  }

  follow(fence: FenceMessage, more: Partial<PoolReport> = {}): void {
    this.report = hostReport(this.id, this.bootId, { fence, ...more });
  }

  /** As SIGKILL: every connection is reset, nobody listens. */
  kill(): void {
    this.state = "dead";
    this.#server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers, rawHeaders } = request;
      const received = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
      this.received.push(received);
      if (this.state === "alive") this.script(received, response, request.socket);
    });
  }
}
