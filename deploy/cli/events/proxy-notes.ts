/** What proxies saw and did: asked once on their admin addresses, or followed until somebody has seen enough. */
import { Type, type Static } from "typebox";
import { Check } from "typebox/value";
import { request as httpRequest } from "node:http";
import { sleep, type Clock } from "../../../shared/clock.ts";
import { formatAddress, type Config, type ProxyConfig } from "../../../shared/config/config.ts";
import { DialingAgent } from "../../../shared/dialing-agent.ts";
import type { Sockets } from "../../../shared/sockets.ts";
import { askJson } from "../ask-json.ts";
import { newsOfFields } from "../up/node-news.ts";
import type { ClusterEvent, SilentSource } from "./cluster-event.ts";
import { EventStream } from "./event-stream.ts";

const Note = Type.Object({ atMs: Type.Number(), type: Type.String() });
const Notes = Type.Object({
  cluster: Type.String(),
  self: Type.String(),
  events: Type.Array(Type.Intersect([Note, Type.Object({ number: Type.Number() })])),
});

/** By what proxies are asked. */
interface Asking {
  readonly admin: Sockets;
  readonly clock: Clock;
}

/** A proxy that answered, and the last of what it told. */
export interface HeardProxy {
  readonly proxy: ProxyConfig;
  readonly lastNumber: number;
}

export interface Heard {
  readonly events: readonly ClusterEvent[];
  readonly silent: readonly SilentSource[];
  readonly proxies: readonly HeardProxy[];
}

const PATH = "/api/v1/events";
const TIMEOUT_MS = 2000;
const AGAIN_MS = 1000;

/** What all proxies still remember. Who does not answer is part of the result. */
export async function askNotes({ proxies, cluster }: Config, asking: Asking): Promise<Heard> {
  const asked = await Promise.all(proxies.map((proxy) => askProxy(proxy, cluster, asking)));
  return {
    events: asked.flatMap(({ events }) => events),
    silent: asked.flatMap(({ silent }) => silent),
    proxies: asked.flatMap((one) => one.proxies),
  };
}

async function askProxy(proxy: ProxyConfig, cluster: string, { admin, clock }: Asking): Promise<Heard> {
  const { id, admin: address } = proxy;
  const silent = (reason: string): Heard => {
    const what = `${id} at ${formatAddress(address)}`;
    return { events: [], silent: [{ source: "proxies", what, reason }], proxies: [] };
  };
  const answer = await askJson({ address, path: PATH, sockets: admin, clock, timeoutMs: TIMEOUT_MS }, Notes);
  if (answer.body === null) return silent(answer.reason);
  const { self, events, cluster: found } = answer.body;
  // Admin addresses are on loopback: at that of another machine's proxy this machine's may answer.
  if (found !== cluster || self !== id) return silent(`it is ${self} of cluster ${found}`);
  const lastNumber = Math.max(0, ...events.map(({ number }) => number));
  return { events: events.map((note) => noteEvent(id, note)), silent: [], proxies: [{ proxy, lastNumber }] };
}

/** Gives each event as it comes, until the signal is aborted. A proxy that is gone is asked again and again. */
export async function followNotes(
  { proxy, lastNumber }: HeardProxy,
  { admin, clock, signal }: Asking & { readonly signal: AbortSignal },
  heard: (event: ClusterEvent) => void,
): Promise<void> {
  const stream = new EventStream(lastNumber, (text) => {
    const note = parse(text);
    if (Check(Note, note)) heard(noteEvent(proxy.id, note));
  });
  while (!signal.aborted) {
    await readOnce(proxy, { admin, signal }, stream);
    await sleep(clock, AGAIN_MS, signal).catch(() => undefined);
  }
}

/** Until the connection ends, for whatever reason. */
function readOnce(
  { admin: { host, port } }: ProxyConfig,
  { admin, signal }: { readonly admin: Sockets; readonly signal: AbortSignal },
  stream: EventStream,
): Promise<void> {
  return new Promise((resolve) => {
    const agent = new DialingAgent(admin, { keepAlive: false });
    const end = (): void => {
      agent.destroy();
      resolve();
    };
    const headers = {
      host: formatAddress({ host, port }),
      accept: "text/event-stream",
      "last-event-id": String(stream.lastNumber),
    };
    const request = httpRequest({ host, port, path: PATH, headers, agent, signal });
    request.on("error", end);
    request.on("response", (response) => {
      stream.begin();
      response.setEncoding("utf8").on("data", (text: string) => stream.add(text));
      response.on("close", end).on("error", end);
    });
    request.end();
  });
}

/** Whatever listens at a loopback address by now may answer: what is no JSON is no event. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noteEvent(proxy: string, note: Static<typeof Note>): ClusterEvent {
  const { atMs, type, ...details } = note;
  const news = newsOfFields({ ...flat(details), event: type, about: flat(details)["node"], node: proxy });
  return {
    atMs,
    source: "proxies",
    by: proxy,
    type,
    text: news?.text ?? null,
    trouble: news?.kind === "trouble",
    details,
  };
}

/** As the log has it: a verdict is a word with its reason beside it. */
function flat(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { verdict } = details;
  if (typeof verdict !== "object" || verdict === null) return details;
  const { type, reason } = verdict as { readonly type?: unknown; readonly reason?: unknown };
  return { ...details, verdict: type, reason };
}
