/**
 * What supervisors and Prometheus ask of a proxy, on its admin address and, where that is another one, on its gossip address:
 * the admin address is on loopback only, and who asks is often on another machine. Nothing here changes anything.
 */
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";

export interface ProbeOptions {
  /** Whether connections are taken and every pool has a route. */
  readonly ready: () => boolean;
  readonly metrics: () => Promise<Registry>;
}

/** `/live`, `/ready`, `/metrics`; before the server listens. */
export function mountProbes(server: FastifyInstance, { ready, metrics }: ProbeOptions): void {
  server.get("/live", async () => ({ live: true }));
  server.get("/ready", async (_, reply) => {
    const isReady = ready();
    return reply.code(isReady ? 200 : 503).send({ ready: isReady });
  });
  server.get("/metrics", async (_, reply) => {
    const register = await metrics();
    return reply.type(register.contentType).send(await register.metrics());
  });
}
