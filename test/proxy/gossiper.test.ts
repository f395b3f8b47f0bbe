import { describe, expect, it } from "vitest";
import type { ProxyEvent } from "../../proxy/core/proxy-event.ts";
import { Gossiper } from "../../proxy/gossiper.ts";
import { ProtocolProblems } from "../../proxy/protocol-problems.ts";
import type { TransportResult } from "../../proxy/transport.ts";
import { PeerClocks } from "../../shared/clocks/peer-clocks.ts";
import type { ProxyConfig } from "../../shared/config/config.ts";
import { parseBootId, parseNodeId } from "../../shared/ids.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { Request } from "../../shared/wire/messages.ts";
import { account, ORIGINS } from "./core/accounts.ts";
import { GossipWorld } from "./core/gossip-world.ts";
import { gossipRules } from "../../proxy/core/gossip-state.ts";
import { TUNING } from "../tuning.ts";
import { hex } from "./fake-host.ts";

const [SELF, PEER] = ORIGINS as [(typeof ORIGINS)[number], (typeof ORIGINS)[number]];
const ADDRESS = { host: "127.0.0.1", port: 1 };
const NEWS = account(SELF, 1, 3);
const EXCHANGE = { peer: PEER, observations: [NEWS], digest: [] };

type Result = TransportResult<"gossip">;
const answered = (bootId: string): Result => ({
  type: "answer",
  answer: { bootId, originMs: 0, receivedMs: 0, sentMs: 0, observations: [], wanted: [] },
  roundTripMs: 1,
});
const rejected = (code: "HS_MESSAGE_BOOT" | "HS_SIGNATURE_INVALID"): Result => ({
  type: "failed",
  kind: "rejected",
  reason: `refused: ${code}`,
  code,
  details: {},
});

/** A proxy that others answer as they are told to, one after the other. */
function gossiping(results: Result[] = []) {
  const asked: Request<"gossip">[] = [];
  const told: ProxyEvent[] = [];
  const ports: number[] = [];
  let port = ADDRESS.port;
  const world = new GossipWorld(ORIGINS, gossipRules({ ...TUNING, proxies: ORIGINS }));
  const gossiper = new Gossiper({
    proxies: () =>
      ORIGINS.map((id): ProxyConfig => ({
        id,
        listen: ADDRESS,
        admin: ADDRESS,
        advertise: ADDRESS,
        gossip: { ...ADDRESS, port },
        workers: 1,
        trust: [],
        accessLog: false,
      })),
    bootId: parseBootId(hex(1)),
    transport: {
      send: (_name: string, { body, address }: { readonly body: unknown; readonly address: typeof ADDRESS }) => {
        ports.push(address.port);
        asked.push(body as Request<"gossip">);
        return Promise.resolve(results.shift() as never);
      },
      close: () => undefined,
    },
    clocks: new PeerClocks({ self: SELF, clock: systemClock, boundMs: () => 500 }),
    protocols: new ProtocolProblems(() => undefined),
    clock: systemClock,
    timeoutMs: () => 100,
    signal: new AbortController().signal,
    tell: (event) => told.push(event),
    state: () => world.state(SELF),
  });
  const move = (to: number): void => void (port = to);
  return { asked, told, ports, move, gossiper, world };
}

describe("a proxy that tells another something", () => {
  it("asks for its boot id first, with a message that says nothing, and tells it then", async () => {
    const { asked, told, gossiper } = gossiping([answered(hex(7)), answered(hex(7)), answered(hex(7))]);
    await gossiper.exchange(EXCHANGE);
    await gossiper.exchange(EXCHANGE);
    expect(asked.map(({ bootId, observations }) => [bootId, observations.length])).toEqual([
      [null, 0],
      [hex(7), 1],
      [hex(7), 1],
    ]);
    expect(told.map(({ type }) => type)).toEqual(["gossipAnswered", "gossipAnswered"]);
  });

  it("tells it again to the process that has taken its place", async () => {
    const { asked, told, gossiper } = gossiping([
      answered(hex(7)),
      answered(hex(7)),
      rejected("HS_MESSAGE_BOOT"),
      answered(hex(8)),
      answered(hex(8)),
    ]);
    await gossiper.exchange(EXCHANGE);
    await gossiper.exchange(EXCHANGE);
    expect(asked.slice(2).map(({ bootId, observations }) => [bootId, observations.length])).toEqual([
      [hex(7), 1],
      [null, 0],
      [hex(8), 1],
    ]);
    expect(told).toHaveLength(2);
  });

  it("finds one that was given another address at the former one until it is there, and calls it dead at neither", async () => {
    const nobody = { type: "failed", kind: "refused", reason: "nobody" } as const;
    const found = answered(hex(7));
    const { told, gossiper, ports, move } = gossiping([found, found, nobody, found, found, nobody]);
    await gossiper.exchange(EXCHANGE);
    move(2);
    ports.length = 0;
    for (let times = 0; times < 3; times += 1) await gossiper.exchange(EXCHANGE);
    expect(ports).toEqual([2, 1, 2, 2]);
    expect(told.map(({ type }) => type)).toEqual([
      "gossipAnswered",
      "gossipAnswered",
      "gossipAnswered",
      "gossipFailed",
    ]);
  });

  it("shows why it is refused, until it is not, and calls nobody dead for it", async () => {
    const { told, gossiper } = gossiping([rejected("HS_SIGNATURE_INVALID"), answered(hex(7)), answered(hex(7))]);
    await gossiper.exchange(EXCHANGE);
    expect(gossiper.refusal(PEER)).toBe("refused: HS_SIGNATURE_INVALID");
    expect(told).toEqual([{ type: "gossipFailed", peer: PEER, kind: "rejected" }]);
    await gossiper.exchange(EXCHANGE);
    expect(gossiper.refusal(PEER)).toBeNull();
  });
});

describe("a proxy that is told something", () => {
  const request: Request<"gossip"> = {
    bootId: hex(1),
    originMs: 5,
    observations: [account(PEER, 1, 1)],
    digest: [account(PEER, 1, 1)],
  };

  it("takes it, and answers with what the other lacks", async () => {
    const { told, gossiper } = gossiping();
    const answer = await gossiper.answer(request, PEER, 9);
    expect(told.map(({ type }) => type)).toEqual(["gossipHeard"]);
    expect(answer).toMatchObject({ bootId: hex(1), originMs: 5, receivedMs: 9, wanted: [PEER] });
    expect(answer.observations.map(({ origin }) => origin)).toEqual([SELF]);
  });

  it("says its boot id and nothing else to one that does not know it: that could be an old message, sent again", async () => {
    const { told, gossiper } = gossiping();
    const answer = await gossiper.answer({ ...request, bootId: null }, PEER, 9);
    expect(told).toEqual([]);
    expect(answer).toMatchObject({ bootId: hex(1), observations: [], wanted: [] });
  });

  it("refuses whoever is no proxy of the configuration", async () => {
    const { told, gossiper } = gossiping();
    await expect(gossiper.answer(request, parseNodeId("host-a"), 9)).rejects.toMatchObject({
      code: "HS_MESSAGE_INVALID",
    });
    expect(told).toEqual([]);
  });
});
