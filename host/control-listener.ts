/**
 * The control listener of a host: signed messages of other nodes, and unsigned probes and metrics. Runs in a thread of
 * its own and answers heartbeats, probes and metrics from `ControlState` alone, also while the main thread stands still.
 */
import Fastify, { type FastifyInstance } from "fastify";
import type { Clock } from "../shared/clock.ts";
import type { KeyRing } from "../shared/signature/key-ring.ts";
import { mountMessages, type MessageHandlers, type MessageRefused } from "../shared/wire/message-server.ts";
import type { Answer } from "../shared/wire/messages.ts";
import type { HostReport } from "../shared/wire/reports.ts";
import type { CarriedName, HostIdentity } from "./control-link.ts";
import type { ControlMetrics } from "./control-metrics.ts";
import { probe, PROBES, type ProbeQuery } from "./control-probe.ts";
import type { ControlState } from "./control-state.ts";
import type { Reception } from "./reception.ts";
import type { Asking, ControlCarrier } from "./control-carrier.ts";

export interface ControlListenerOptions {
  readonly identity: HostIdentity;
  readonly cluster: string;
  readonly keys: KeyRing;
  readonly state: ControlState;
  readonly main: ControlCarrier;
  readonly metrics: ControlMetrics;
  readonly clock: Clock;
  readonly onRefused: (refusal: MessageRefused) => void;
  /** Somebody knows a revision that this host has not read. */
  readonly onRevision: () => void;
  readonly reception: Reception;
}

/** An order that has not ended by then is `accepted`; the heartbeats tell how it goes on. */
const PROMOTE_WAIT_MS = 1000;
const APPENDED_WAIT_MS = 1000;
const CHECKPOINT_WAIT_MS = 15 * 60_000;
/** With the checkpoint that the last host takes before it goes. */
const OPERATION_WAIT_MS = 60_000;
const CONFIGURATION_WAIT_MS = 1000;
const FINISH_WAIT_MS = 30_000;
/** Probes and nodes; each connection costs little, but not nothing. */
const MAX_CONNECTIONS = 1024;

/** Not listening yet. */
export async function controlListener(options: ControlListenerOptions): Promise<FastifyInstance> {
  const fastify = Fastify({ requestTimeout: 10_000, bodyLimit: 1024, forceCloseConnections: true });
  fastify.server.headersTimeout = 10_000;
  fastify.server.maxConnections = MAX_CONNECTIONS;
  const { identity, cluster, keys, state, metrics, clock, onRefused, reception } = options;
  await mountMessages(fastify, {
    self: identity.host,
    bootId: identity.bootId,
    cluster,
    secret: keys,
    invitations: reception,
    clock,
    handlers: handlers(options),
    onRefused: (refusal) => {
      metrics.countRefused(refusal.code);
      onRefused(refusal);
    },
  });
  mountProbes(fastify, options);
  fastify.get("/metrics", async (_, reply) => {
    const text = await metrics.text(reportOf(options), state.clockDeviations(), clock.monotonicMs());
    return reply.type(metrics.contentType).send(text);
  });
  fastify.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ reason: "no message, probe or metric has this name" }),
  );
  return fastify;
}

const reportOf = ({ state, keys, clock }: ControlListenerOptions): HostReport => ({
  ...state.report(clock.monotonicMs()),
  keys: [...keys.keyIds()],
});

/** What proxies alone are asked. */
type OfProxies = "gossip" | "look";

function handlers(options: ControlListenerOptions): Required<Omit<MessageHandlers, OfProxies>> {
  const { state, main, metrics, clock, onRevision, reception } = options;
  return {
    heartbeat: async ({ bootId, originMs, clock: deviation = null, revision }, from, receivedMs) => {
      // Without the boot id it may be an old one that somebody repeats.
      if (bootId !== null) {
        state.hearClock(from, deviation, clock.monotonicMs());
        metrics.hearNode(from, clock.monotonicMs());
      }
      if (state.isBehind(revision)) onRevision();
      const decisions = state.decisionsFor(revision);
      return { report: reportOf(options), decisions, originMs, receivedMs, sentMs: clock.wallMs() };
    },
    promote: async (body, from) => {
      const asked = await main.ask("promote", { body, from, waitMs: PROMOTE_WAIT_MS });
      if (asked.type === "answered") return asked.answer;
      const fence = state.pool(body.pool)?.fence ?? null;
      return asked.state === "taken"
        ? { outcome: "accepted", reason: "the takeover is under way", fence, phases: {} }
        : { outcome: "refused", reason: main.stalled(PROMOTE_WAIT_MS).message, fence, phases: {} };
    },
    vote: (body, from) => carry(main, "vote", { body, from, waitMs: state.tuning.voteWaitMs }),
    appended: (body, from) => carry(main, "appended", { body, from, waitMs: APPENDED_WAIT_MS }),
    checkpoint: (body, from) => carry(main, "checkpoint", { body, from, waitMs: CHECKPOINT_WAIT_MS }),
    handover: (body, from) => carry(main, "handover", { body, from, waitMs: OPERATION_WAIT_MS }),
    decide: (body, from) => carry(main, "decide", { body, from, waitMs: OPERATION_WAIT_MS }),
    revisions: (body, from) => carry(main, "revisions", { body, from, waitMs: OPERATION_WAIT_MS }),
    invite: (body) => Promise.resolve(reception.invite(body)),
    join: (_, from, __, keyId) => reception.welcome(keyId, from),
    enrol: (body, from) => carry(main, "enrol", { body, from, waitMs: OPERATION_WAIT_MS }),
    configuration: (body, from) => carry(main, "configuration", { body, from, waitMs: CONFIGURATION_WAIT_MS }),
    "finish-upgrade": (body, from) => carry(main, "finish-upgrade", { body, from, waitMs: FINISH_WAIT_MS }),
  };
}

async function carry<Name extends CarriedName>(
  main: ControlCarrier,
  name: Name,
  asking: Asking<Name>,
): Promise<Answer<Name>> {
  const asked = await main.ask(name, asking);
  if (asked.type === "late") throw main.stalled(asking.waitMs);
  return asked.answer;
}

/** `HEAD` comes with each `GET`. */
function mountProbes(fastify: FastifyInstance, options: ControlListenerOptions): void {
  for (const name of PROBES)
    fastify.get<{ Querystring: ProbeQuery }>(`/${name}`, async ({ query }, reply) => {
      const { status, body } = probe(reportOf(options), { name, query, stalledMs: options.state.tuning.stalledMs });
      return reply.code(status).header("cache-control", "no-store").send(body);
    });
}
