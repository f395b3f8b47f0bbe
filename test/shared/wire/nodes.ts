/** A message server on a port of its own and what a client needs to speak to it. */
import Fastify from "fastify";
import type { AddressInfo } from "node:net";
import type { Address } from "../../../shared/config/config.ts";
import { parseBootId, parseNodeId } from "../../../shared/ids.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { systemRandom } from "../../../shared/random.ts";
import { systemSockets } from "../../../shared/sockets.ts";
import { MessageClient, type MessageClientOptions } from "../../../shared/wire/message-client.ts";
import {
  mountMessages,
  type MessageHandlers,
  type MessageRefused,
  type MessageServerOptions,
} from "../../../shared/wire/message-server.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";

export const SECRET = Buffer.alloc(32, 7);
export const HOST = parseNodeId("host-a");
export const PROXY = parseNodeId("proxy-1");
export const HOST_BOOT = parseBootId("a".repeat(32));

export const REPORT: HostReport = {
  host: HOST,
  bootId: HOST_BOOT,
  vaultId: null,
  version: "0.1.0",
  configHash: "c",
  mainTickAgeMs: 1,
  probe: { ok: true, ageMs: 1, latencyMs: 1 },
  candidate: true,
  pools: [],
};

export const HANDLERS: MessageHandlers = {
  heartbeat: async ({ originMs }, _, receivedMs) => ({ report: REPORT, originMs, receivedMs, sentMs: receivedMs }),
  promote: async ({ pool }) => ({ outcome: "serving", reason: pool, fence: null, phases: {} }),
  appended: async ({ slot }) => ({ slot }),
};

export interface Server {
  readonly address: Address;
  readonly refused: MessageRefused[];
  stop(): Promise<void>;
}

export async function startServer(options: Partial<MessageServerOptions> = {}): Promise<Server> {
  const fastify = Fastify();
  const refused: MessageRefused[] = [];
  await mountMessages(fastify, {
    self: HOST,
    cluster: "demo",
    secret: SECRET,
    bootId: HOST_BOOT,
    clock: systemClock,
    handlers: HANDLERS,
    onRefused: (refusal) => refused.push(refusal),
    ...options,
  });
  await fastify.listen({ host: "127.0.0.1", port: 0 });
  const { port } = fastify.server.address() as AddressInfo;
  return {
    address: { host: "127.0.0.1", port },
    refused,
    stop: async () => {
      fastify.server.closeAllConnections();
      await fastify.close();
    },
  };
}

export const startClient = (options: Partial<MessageClientOptions> = {}): MessageClient =>
  new MessageClient({
    self: PROXY,
    cluster: "demo",
    secret: SECRET,
    clock: systemClock,
    random: systemRandom,
    sockets: systemSockets,
    ...options,
  });
