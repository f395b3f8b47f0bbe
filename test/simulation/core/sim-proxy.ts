/**
 * A simulated proxy: production core; probes, orders and requests over the simulated network. Requests are parked while
 * there is no route, and sent again where the connection broke, at most twice in all.
 */
import type { BootId, NodeId, RecordId } from "../../../shared/ids.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import type { Answer } from "../../../shared/wire/messages.ts";
import { answerDigest, type GossipEffect } from "../../../proxy/core/gossip-sending.ts";
import { peerStateOf } from "../../../proxy/core/gossip.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import { newProxyState, stepProxy, type ProxyState, type Rules } from "../../../proxy/core/proxy-state.ts";
import type { ProxyEffect, ProxyEvent, Route } from "../../../proxy/core/proxy-event.ts";
import type { Order as ProxyOrder } from "../../../proxy/core/pool-view.ts";
import { settings } from "../../../proxy/core/settings.ts";
import type { Order } from "../../../host/core/pool-state.ts";
import { check } from "../history.ts";
import type { Operation } from "../ledger.ts";
import type { HostAnswer } from "./sim-committer.ts";
import { POOL, type SimHost } from "./sim-host.ts";
import type { SimNetwork } from "./sim-network.ts";
import { TUNING } from "../../tuning.ts";
import { SimProcess } from "../sim-process.ts";
import type { World } from "./world.ts";

const TAKEOVER = { timeoutMs: 2_000 };
const HEALTH = TUNING.health;
const EXECUTIONS = 2;

interface Relayed {
  readonly operation: Operation;
  readonly sentMs: number;
  readonly answer: (answer: HostAnswer) => void;
  executions: number;
  /** Where it is now; another number for each sending. */
  sending: number;
  route: Route;
}

export class SimProxy {
  readonly id: NodeId;
  readonly process: SimProcess;
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #hosts: ReadonlyMap<NodeId, SimHost>;
  readonly #rules: Rules;
  readonly #proxies: ReadonlyMap<NodeId, SimProxy>;
  #state: ProxyState;
  #bootId = "";
  #route: Route = null;
  #parked: Relayed[] = [];
  #relayed = new Set<Relayed>();
  #sendings = 0;
  #wakes = 0;

  /** @param proxies all of them, this one too; it may still be filled. */
  constructor(
    world: World,
    index: number,
    hosts: ReadonlyMap<NodeId, SimHost>,
    proxies: ReadonlyMap<NodeId, SimProxy>,
    network: SimNetwork,
  ) {
    this.id = parseNodeId(`proxy-${index}`);
    this.#proxies = proxies;
    this.process = new SimProcess(world.scheduler);
    this.#world = world;
    this.#network = network;
    this.#hosts = hosts;
    const pools = [
      { pool: POOL, preferred: [...hosts.keys()].slice(0, 1), candidates: [...hosts.keys()], vaultId: null },
    ];
    const ids = range(world.swarm.proxies).map((at) => parseNodeId(`proxy-${at + 1}`));
    this.#rules = {
      self: this.id,
      proxies: ids,
      settings: settings({ ...TUNING, takeover: TAKEOVER }),
      gossip: { ...gossipRules({ ...TUNING, proxies: ids.map((id) => ({ id })) }), forgetMs: world.swarm.forgetMs },
      hosts: [...hosts.keys()],
      pools,
    };
    this.#state = this.#newState();
  }

  /** Where it sends to now. */
  get route(): Route {
    return this.#route;
  }

  /** What it does not know of the other proxies; `null`: nothing. All of them live, and this one too. */
  get ignorance(): string | null {
    const { gossip, pools } = this.#state;
    const { nowMs } = this.#world.scheduler;
    for (const other of this.#proxies.values()) {
      const own = other.#state.gossip.known.get(other.id)!;
      const known = gossip.known.get(other.id);
      const state = other === this ? "alive" : peerStateOf(gossip, other.id, nowMs, this.#rules.gossip);
      if (state !== "alive") return `${this.id} takes ${other.id} for ${state}`;
      if (!known || known.bootId !== own.bootId || known.version !== own.version || known.content === null)
        return `${this.id} has version ${known?.version} of ${other.id}, which is at ${own.version}`;
      const [here, there] = [pools.get(POOL)?.epoch, other.#state.pools.get(POOL)?.epoch];
      if (here !== there) return `${this.id} is in epoch ${here}, ${other.id} in ${there}`;
    }
    return null;
  }

  get parked(): number {
    return this.#parked.length + this.#relayed.size;
  }

  start(): void {
    this.process.start();
    this.#route = null;
    this.#state = this.#newState();
    this.#world.log.add(this.id, "starts");
    this.dispatch({ type: "tick" });
  }

  #newState(): ProxyState {
    const { newId, dice, scheduler } = this.#world;
    // Later lives have greater boot ids as often as not.
    this.#bootId = newId<BootId>().split("").toReversed().join("");
    const own = {
      wallAheadMs: 0,
      clocks: [],
      quarantined: null,
      program: "",
      configHash: "",
      configProblem: null,
      pendingRestart: [],
      keys: [],
    };
    const birth = { bootId: this.#bootId, seed: dice.whole(0, 1 << 30), own };
    return newProxyState(this.#rules, birth, scheduler.nowMs);
  }

  crash(): void {
    this.process.kill();
    this.#world.log.add(this.id, "crashes");
    const open = [...this.#parked.splice(0), ...this.#relayed];
    this.#relayed.clear();
    for (const { answer } of open) answer({ type: "cut" });
  }

  request(operation: Operation, sentMs: number, answer: (answer: HostAnswer) => void): void {
    if (!this.process.alive) return answer({ type: "cut" });
    this.#park({ operation, sentMs, answer, executions: 0, sending: 0, route: null });
    this.#release();
  }

  dispatch(event: ProxyEvent): void {
    const before = this.#state;
    const { nowMs } = this.#world.scheduler;
    const { state, effects, wakeMs } = stepProxy(before, event, nowMs, this.#rules);
    this.#state = state;
    this.#checkEpoch(before, state);
    this.#judgeGossip(before, state, effects);
    for (const effect of effects) this.#perform(effect);
    this.#wakeAt(wakeMs);
  }

  #checkEpoch(before: ProxyState, after: ProxyState): void {
    const [old, now] = [before.pools.get(POOL)?.epoch ?? 0, after.pools.get(POOL)?.epoch ?? 0];
    check(now >= old, "I11", () => `${this.id} went back from epoch ${old} to ${now}`);
  }

  #judgeGossip(before: ProxyState, { gossip: { known } }: ProxyState, effects: readonly ProxyEffect[]): void {
    if (known === before.gossip.known) return;
    const { gossip } = this.#world;
    for (const effect of effects) if (effect.type === "gossip") gossip.wrote(this.id, effect.exchange.observations);
    gossip.wrote(this.id, [...known.values()]);
    gossip.knows(this.id, `${this.id} ${this.#bootId}`, [...known.values()]);
  }

  #wakeAt(wakeMs: number): void {
    const wake = ++this.#wakes;
    if (wakeMs === Infinity) return;
    this.process.later(wakeMs - this.#world.scheduler.nowMs, () => {
      if (wake === this.#wakes) this.dispatch({ type: "tick" });
    });
  }

  #perform(effect: ProxyEffect): void {
    if (effect.type !== "probe" && effect.type !== "probeData")
      this.#world.log.add(this.id, `> ${effect.type}`, effect);
    switch (effect.type) {
      case "probe":
        return this.#probe(effect.host);
      case "probeData":
        return this.#probeData(effect.host);
      case "promote":
        return this.#promote(effect.order);
      case "askVote":
        return this.#askVote(effect);
      case "gossip":
        return this.#exchange(effect.exchange);
      case "route":
        this.#route = effect.route;
        return this.#release();
      case "abandon":
        return this.#abandon(effect.host, effect.epoch);
      case "note":
        return;
    }
  }

  // --- Heartbeats and orders ------------------------------------------------------------------------------------------

  #probe(host: NodeId): void {
    const sentMs = this.#world.scheduler.nowMs;
    const target = this.#hosts.get(host)!;
    const end = this.#once(HEALTH.timeoutMs, () =>
      this.dispatch({ type: "probeFailed", host, sentMs, kind: "timeout" }),
    );
    this.#network.sendTo(this.id, target, {
      refused: () => end(() => this.dispatch({ type: "probeFailed", host, sentMs, kind: "refused" })),
      deliver: () => {
        const report = target.report();
        this.#network.send(this.#from(target), () =>
          end(() => this.dispatch({ type: "probeAnswered", host, sentMs, report })),
        );
      },
    });
  }

  #probeData(host: NodeId): void {
    const sentMs = this.#world.scheduler.nowMs;
    const target = this.#hosts.get(host)!;
    const end = this.#once(HEALTH.timeoutMs, () =>
      this.dispatch({ type: "dataFailed", host, sentMs, kind: "timeout" }),
    );
    this.#network.sendTo(this.id, target, {
      refused: () => end(() => this.dispatch({ type: "dataFailed", host, sentMs, kind: "refused" })),
      deliver: () =>
        this.#network.send(this.#from(target), () => end(() => this.dispatch({ type: "dataAnswered", host, sentMs }))),
    });
  }

  #promote({ host, bootId, fence, cause, votes }: ProxyOrder): void {
    const sentMs = this.#world.scheduler.nowMs;
    const target = this.#hosts.get(host)!;
    const fail = (kind: "timeout" | "refused" | "reset" | "rejected"): void =>
      this.dispatch({ type: "orderFailed", pool: POOL, host, sentMs, kind });
    const end = this.#once(TAKEOVER.timeoutMs, () => fail("timeout"));
    const order = {
      ...orderSeed(target),
      reason: "order" as const,
      fence: fence as RecordId | null,
      orderedBy: this.id,
      cause,
      votes: votes.map(({ by, verdict }) => ({ by: parseNodeId(by), verdict })),
    };
    this.#network.sendTo(this.id, target, {
      refused: () => end(() => fail("refused")),
      deliver: () => {
        if (target.bootId !== bootId) return this.#network.send(this.#from(target), () => end(() => fail("rejected")));
        target.order(order, (answer) => {
          if (!answer) return this.#network.send(this.#from(target), () => end(() => fail("reset")));
          const message = { outcome: answer.outcome, reason: answer.reason, fence: answer.fence, phases: {} } as const;
          this.#network.send(this.#from(target), () => end(() => this.#ordered(host, sentMs, message)));
        });
      },
    });
  }

  // --- Other proxies ----------------------------------------------------------------------------------------------------

  #exchange({ peer, observations, digest }: GossipEffect): void {
    const target = this.#proxies.get(peer)!;
    const fail = (kind: "timeout" | "refused"): void => this.dispatch({ type: "gossipFailed", peer, kind });
    const end = this.#once(HEALTH.timeoutMs, () => fail("timeout"));
    this.#network.sendTo(this.id, target, {
      refused: () => end(() => fail("refused")),
      deliver: () => {
        const answer = target.hear({ type: "gossipHeard", from: this.id, observations, digest });
        this.#network.send(this.#from(target), () =>
          end(() => this.dispatch({ type: "gossipAnswered", peer, ...answer })),
        );
      },
    });
  }

  /** What another proxy tells; the answer. */
  hear(told: Extract<ProxyEvent, { type: "gossipHeard" }>): ReturnType<typeof answerDigest> {
    this.dispatch(told);
    return answerDigest(this.#state.gossip, told.digest, told.from);
  }

  #askVote({ host, fence, bootId }: Extract<ProxyEffect, { type: "askVote" }>): void {
    const target = this.#hosts.get(host)!;
    const end = this.#once(HEALTH.timeoutMs, () => undefined);
    this.#network.sendTo(this.id, target, {
      refused: () => undefined,
      deliver: () => {
        if (target.bootId !== bootId) return;
        const answer = target.vote();
        this.#network.send(this.#from(target), () =>
          end(() => this.dispatch({ type: "voteAnswered", pool: POOL, host, fence, answer })),
        );
      },
    });
  }

  #ordered(host: NodeId, sentMs: number, answer: Answer<"promote">): void {
    this.dispatch({ type: "orderAnswered", pool: POOL, host, sentMs, answer });
  }

  #from({ id: from }: { readonly id: NodeId }): { readonly from: NodeId; readonly to: NodeId } {
    return { from, to: this.id };
  }

  /** The first of an answer and the time-out counts. */
  #once(timeoutMs: number, timeout: () => void): (run: () => void) => void {
    const { later } = this.process.lifeline();
    let open = true;
    const end = (run: () => void): void => {
      if (!open) return;
      open = false;
      run();
    };
    later(timeoutMs, () => end(timeout));
    return (run) => later(0, () => end(run));
  }

  // --- Requests -------------------------------------------------------------------------------------------------------

  #park(relayed: Relayed): void {
    relayed.route = null;
    this.#relayed.delete(relayed);
    this.#parked.push(relayed);
  }

  #release(): void {
    const route = this.#route;
    if (route) for (const relayed of this.#parked.splice(0)) this.#relay(relayed, route);
  }

  #relay(relayed: Relayed, route: NonNullable<Route>): void {
    const target = this.#hosts.get(route.host)!;
    const sending = ++this.#sendings;
    Object.assign(relayed, { sending, route, executions: relayed.executions + 1 });
    this.#relayed.add(relayed);
    const { later } = this.process.lifeline();
    const end = (answer: HostAnswer): void =>
      later(0, () => {
        if (relayed.sending === sending && this.#relayed.has(relayed)) this.#onAnswer(relayed, route.host, answer);
      });
    const sentMs = this.#world.scheduler.nowMs;
    const cut = (): void => end({ type: "cut" });
    const answer = (given: HostAnswer): void => this.#network.stream(this.#from(target), () => end(given), cut);
    const deliver = (): void => target.request({ asked: relayed.operation, sentMs, answer });
    const way = { from: this.id, to: target.id };
    this.#network.stream(way, () => (target.process.alive ? target.process.later(0, deliver) : cut()), cut);
    // A host that dies takes its connections along.
    this.#watch(target, relayed, sending, end);
  }

  #watch(target: SimHost, relayed: Relayed, sending: number, end: (answer: HostAnswer) => void): void {
    const { bootId } = target;
    const look = (): void => {
      if (relayed.sending !== sending || !this.#relayed.has(relayed)) return;
      if (!target.process.alive || target.bootId !== bootId) return end({ type: "cut" });
      this.process.later(100, look);
    };
    this.process.later(100, look);
  }

  #onAnswer(relayed: Relayed, host: NodeId, answer: HostAnswer): void {
    if (answer.type === "not-primary" || answer.type === "not-applied") {
      relayed.executions -= 1;
      this.#park(relayed);
      this.dispatch({ type: "trafficFailed", host });
      return this.process.later(20, () => this.#release());
    }
    if (answer.type === "cut") return this.#onCut(relayed, host);
    this.#finish(relayed, answer);
  }

  #onCut(relayed: Relayed, host: NodeId): void {
    if (relayed.executions >= EXECUTIONS) this.#finish(relayed, { type: "cut" });
    else this.#park(relayed);
    this.dispatch({ type: "trafficFailed", host });
    this.process.later(20, () => this.#release());
  }

  #abandon(host: NodeId, epoch: number): void {
    for (const relayed of this.#relayed) {
      if (relayed.route?.host !== host || relayed.route.epoch > epoch) continue;
      relayed.sending = 0;
      if (relayed.executions >= EXECUTIONS) this.#finish(relayed, { type: "cut" });
      else this.#park(relayed);
    }
    this.#release();
  }

  #finish(relayed: Relayed, answer: HostAnswer): void {
    this.#relayed.delete(relayed);
    relayed.answer(answer);
  }
}

/** Chance for an order, as the ordered host's shell adds it. */
export function orderSeed(target: SimHost): Pick<Order, "seed" | "origin" | "wallMs"> {
  const { id, origin, wallMs } = target.seed();
  return { seed: id, origin, wallMs };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
