/** Several proxies' gossip cores, and a network between them that a test or a benchmark decides on. */
import type { NodeId } from "../../../shared/ids.ts";
import { stepGossip, type GossipEvent } from "../../../proxy/core/gossip.ts";
import { answerDigest, type GossipEffect } from "../../../proxy/core/gossip-sending.ts";
import { newGossipState, type GossipRules, type GossipState } from "../../../proxy/core/gossip-state.ts";
import type { Content } from "../../../proxy/core/observation.ts";
import { hex } from "../fake-host.ts";

export interface Sent extends GossipEffect {
  readonly from: NodeId;
}

export class GossipWorld {
  readonly rules: GossipRules;
  readonly proxies: readonly NodeId[];
  readonly states = new Map<NodeId, GossipState>();
  /** On their way. */
  sent: Sent[] = [];
  nowMs = 0;
  #boots = 0;

  constructor(proxies: readonly NodeId[], rules: GossipRules) {
    this.proxies = proxies;
    this.rules = rules;
    for (const proxy of proxies) this.restart(proxy);
  }

  restart(proxy: NodeId, bootId = hex(this.#boots + 1)): void {
    this.#boots += 1;
    const birth = { bootId, proxies: this.proxies, seed: this.#boots };
    this.states.set(proxy, newGossipState(proxy, birth, this.nowMs));
  }

  state = (proxy: NodeId): GossipState => this.states.get(proxy)!;

  tell(proxy: NodeId, event: GossipEvent): void {
    const { state, effects } = stepGossip(this.state(proxy), event, this.nowMs, this.rules);
    this.states.set(proxy, state);
    this.sent.push(...effects.map((effect) => ({ ...effect, from: proxy })));
  }

  saw(proxy: NodeId, content: Content): void {
    this.tell(proxy, { type: "saw", content });
  }

  /** The message arrives, and its answer. */
  deliver({ from, peer, observations, digest }: Sent): ReturnType<typeof answerDigest> {
    this.tell(peer, { type: "heard", from, observations, digest });
    const answer = answerDigest(this.state(peer), digest, from);
    this.tell(from, { type: "answered", peer, ...answer });
    return answer;
  }

  lose({ from, peer }: Sent): void {
    this.tell(from, { type: "failed", peer, kind: "timeout" });
  }

  /** Every message that is on its way, and those that follow from them. */
  settle(isLost: (sent: Sent) => boolean = () => false): void {
    for (let next = this.sent.shift(); next; next = this.sent.shift()) {
      if (isLost(next)) this.lose(next);
      else this.deliver(next);
    }
  }

  /** One round of all. */
  round(isLost?: (sent: Sent) => boolean): void {
    this.nowMs += this.rules.intervalMs;
    for (const proxy of this.proxies) this.tell(proxy, { type: "tick" });
    this.settle(isLost);
  }
}
