/**
 * Carries out the exchanges with other proxies that the core asks for, and answers theirs. A boot id binds what is said to
 * the process that is to hear it: one that is not known yet is asked for first, with a message that changes nothing.
 * Fails never: an exchange without an answer is an event like any other.
 */
import type { Clock } from "../shared/clock.ts";
import type { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import { formatAddress, type Address, type ProxyConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import type { BootId, NodeId } from "../shared/ids.ts";
import type { Answer, Observation, Request } from "../shared/wire/messages.ts";
import { answerDigest, type GossipEffect } from "./core/gossip-sending.ts";
import type { GossipState } from "./core/gossip-state.ts";
import type { ProxyEvent } from "./core/proxy-event.ts";
import type { ProtocolProblems } from "./protocol-problems.ts";
import type { Transport, TransportResult } from "./transport.ts";

export interface GossiperOptions {
  readonly proxies: () => readonly ProxyConfig[];
  readonly bootId: BootId;
  readonly transport: Transport;
  readonly clocks: PeerClocks;
  readonly protocols: ProtocolProblems;
  readonly clock: Clock;
  readonly timeoutMs: () => number;
  readonly signal: AbortSignal;
  readonly tell: (event: ProxyEvent) => void;
  readonly state: () => GossipState;
}

export class Gossiper {
  readonly #options: GossiperOptions;
  readonly #bootIds = new Map<NodeId, string>();
  readonly #refusals = new Map<NodeId, string>();
  /** Where each answered last: one that was given another address moves there with its own restart. */
  readonly #reached = new Map<NodeId, Address>();

  constructor(options: GossiperOptions) {
    this.#options = options;
  }

  /** Why that proxy refuses what this one says; `null` if it does not. */
  refusal(peer: NodeId): string | null {
    return this.#refusals.get(peer) ?? null;
  }

  async exchange({ peer, observations, digest }: GossipEffect): Promise<void> {
    const { proxies, tell, signal, protocols } = this.#options;
    const to = proxies().find(({ id }) => id === peer);
    if (to === undefined) return;
    const result = await this.#find(to, { observations, digest });
    if (signal.aborted) return;
    protocols.note(peer, result);
    this.#note(peer, result);
    if (result.type === "answer") {
      const { observations: told, wanted } = result.answer;
      tell({ type: "gossipAnswered", peer, observations: told, wanted });
    } else {
      tell({ type: "gossipFailed", peer, kind: result.kind === "aborted" ? "timeout" : result.kind });
    }
  }

  /** @throws {HotspareError} HS_MESSAGE_INVALID from whoever is no proxy of this cluster. */
  async answer(request: Request<"gossip">, from: NodeId, receivedMs: number): Promise<Answer<"gossip">> {
    const { proxies, bootId, clock, tell, state } = this.#options;
    const known = proxies();
    if (!known.some(({ id }) => id === from)) {
      const accepted = `one of ${known.map(({ id }) => id).join(", ")}`;
      throw new HotspareError("HS_MESSAGE_INVALID", { field: "/from", found: from, accepted });
    }
    const { observations, digest, originMs } = request;
    // Without the boot id it may be an old one that somebody repeats: that learns nothing, and teaches nothing.
    const isAsking = request.bootId === null;
    if (!isAsking) tell({ type: "gossipHeard", from, observations, digest });
    const lacking = answerDigest(state(), isAsking ? [] : digest, from);
    return { bootId, originMs, receivedMs, sentMs: clock.wallMs(), ...lacking };
  }

  async #find(to: ProxyConfig, said: Said): Promise<TransportResult<"gossip">> {
    const former = this.#reached.get(to.id) ?? to.gossip;
    const result = await this.#tellKnown(to, said);
    if (result.type === "answer") this.#reached.set(to.id, to.gossip);
    const isElsewhere = formatAddress(former) !== formatAddress(to.gossip);
    const isNobody = result.type === "failed" && result.kind !== "rejected" && result.kind !== "aborted";
    return isElsewhere && isNobody ? this.#tellKnown({ ...to, gossip: former }, said) : result;
  }

  /** Asks for the boot id first where it is not known, or not right any more. */
  async #tellKnown(to: ProxyConfig, said: Said): Promise<TransportResult<"gossip">> {
    const known = this.#bootIds.get(to.id);
    const result = known === undefined ? null : await this.#ask(to, known, said);
    if (result !== null && !isForgotten(result)) return result;
    this.#bootIds.delete(to.id);
    const asked = await this.#ask(to, null, { observations: [], digest: [] });
    if (asked.type === "failed") return asked;
    this.#bootIds.set(to.id, asked.answer.bootId);
    return this.#ask(to, asked.answer.bootId, said);
  }

  async #ask(to: ProxyConfig, bootId: string | null, said: Said): Promise<TransportResult<"gossip">> {
    const { transport, clock, clocks, timeoutMs, signal } = this.#options;
    const askedMs = clock.monotonicMs();
    const body: Request<"gossip"> = {
      bootId,
      originMs: clock.wallMs(),
      observations: [...said.observations],
      digest: said.digest,
    };
    const result = await transport.send("gossip", {
      to: to.id,
      address: to.gossip,
      body,
      timeoutMs: timeoutMs(),
      signal,
    });
    if (result.type === "answer") clocks.heard(to.id, { askedMs, ...result.answer });
    return result;
  }

  #note(peer: NodeId, result: TransportResult<"gossip">): void {
    const rejected = result.type === "failed" && result.kind === "rejected" && result.code !== "HS_MESSAGE_VERSION";
    if (rejected) this.#refusals.set(peer, result.reason);
    else if (result.type === "answer") this.#refusals.delete(peer);
  }
}

interface Said {
  readonly observations: readonly Observation[];
  readonly digest: GossipEffect["digest"];
}

const isForgotten = (result: TransportResult<"gossip">): boolean =>
  result.type === "failed" && result.kind === "rejected" && result.code === "HS_MESSAGE_BOOT";
