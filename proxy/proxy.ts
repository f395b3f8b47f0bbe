/**
 * One proxy: the core's state, and the shell that performs what it decides. Everything from outside is an argument.
 * The only place where core and world meet: events go in through `#tell`, effects come out through `#perform`.
 */
import { Registry } from "prom-client";
import type { Cancel } from "../shared/clock.ts";
import type { Address, Config, ProxyConfig } from "../shared/config/config.ts";
import { atStart, type ConfigStanding } from "../shared/config/config-standing.ts";
import { HotspareError, reasonOf, unreachable } from "../shared/errors.ts";
import { randomId, type BootId } from "../shared/ids.ts";
import { exclusionOf } from "../shared/revisions/decisions.ts";
import { Admin, requireLoopback } from "./admin.ts";
import { newProxyState, stepProxy, type ProxyState, type Rules } from "./core/proxy-state.ts";
import type { ProxyEffect, ProxyEvent } from "./core/proxy-event.ts";
import { otherMembers } from "./core/council.ts";
import type { Note } from "./core/note.ts";
import { DataProbes } from "./data-probe.ts";
import { GossipListener } from "./gossip-listener.ts";
import { Gossiper } from "./gossiper.ts";
import { inboxHandlers } from "./inbox-handlers.ts";
import { Heartbeats } from "./heartbeats.ts";
import { HostAddresses } from "./host-addresses.ts";
import { logNote, logProtocol } from "./log-note.ts";
import { NoteFeed } from "./note-feed.ts";
import { ProtocolProblems } from "./protocol-problems.ts";
import { lastSeen } from "./last-seen.ts";
import type { ProbeOptions } from "./probes.ts";
import { proxyMetrics, type ProxyMetrics } from "./proxy-metrics.ts";
import { proxyStatus, type ProxyStatus } from "./proxy-status.ts";
import type { Traffic, TrafficSettings } from "./relay/traffic.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import type { RunningProxy } from "./running-proxy.ts";
import { SelfWatch } from "./self-watch.ts";
import { askVote, sendOrder, type SignalOptions } from "./signal.ts";
import { openTraffic, trafficSettings } from "./proxy-traffic.ts";
import { proxyRules } from "./proxy-rules.ts";
import type { Transport } from "./transport.ts";
import { TroubleLimit } from "./trouble-limit.ts";

const STOP_GRACE_MS = 10_000;
/** A standby's vote takes two probes of the primary at most, and a little. */
const VOTE_MARGIN_MS = 200;

/** @throws {HotspareError} HS_PORT_TAKEN, HS_CONFIG_INVALID, HS_USAGE (the configuration has no such proxy). */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const own = options.config.proxies.find(({ id }) => id === options.id);
  if (own === undefined)
    throw new HotspareError("HS_USAGE", { reason: `${options.config.file} has no proxy ${options.id}` });
  requireLoopback(options.config, own.admin);
  return new Proxy(options).start(own);
}

class Proxy {
  readonly #options: ProxyOptions;
  readonly #bootId: BootId;
  readonly #addresses: HostAddresses;
  readonly #register = new Registry();
  readonly #stopping = new AbortController();
  readonly #feed: NoteFeed;
  readonly #transport: Transport;
  readonly #selfWatch: SelfWatch;
  readonly #protocols: ProtocolProblems;
  readonly #heartbeats: Heartbeats;
  readonly #dataProbes: DataProbes;
  readonly #gossiper: Gossiper;
  readonly #traffic: Traffic;
  readonly #admin: Admin;
  readonly #metrics: ProxyMetrics;
  readonly #troubles: TroubleLimit;
  #standing: ConfigStanding;
  #rules: Rules;
  readonly #probes: ProbeOptions = {
    ready: () => this.#isReady(),
    metrics: async () =>
      Registry.merge([this.#register, ...(this.#options.registers ?? []), await this.#traffic.metrics()]),
  };
  #state: ProxyState;
  #wake: Cancel = () => undefined;
  #gossip: GossipListener | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: ProxyOptions) {
    const { config, clock, random, sockets, connect, id } = options;
    this.#options = options;
    this.#standing = atStart(config);
    this.#rules = proxyRules(config, id);
    this.#bootId = randomId<BootId>(random);
    this.#addresses = new HostAddresses(config.hosts, () => this.#traffic.configure(this.#trafficSettings()));
    this.#selfWatch = new SelfWatch({
      self: id,
      standing: () => this.#standing,
      clock,
      keyIds: options.keyIds,
      onQuarantine: (reason) => this.#note({ type: "quarantine", node: id, reason }),
    });
    const birth = { bootId: this.#bootId, seed: random.bytes(4).readInt32LE(), own: this.#selfWatch.state() };
    this.#state = newProxyState(this.#rules, birth, clock.monotonicMs());
    this.#feed = new NoteFeed(clock);
    this.#troubles = new TroubleLimit(clock, (host) => this.#tell({ type: "trafficFailed", host }));
    this.#transport = connect({ bootId: this.#bootId, onLost: (host) => this.#tell({ type: "trafficFailed", host }) });
    this.#protocols = new ProtocolProblems((node, problem) => logProtocol(options.log, node, problem));
    const asking = {
      ...this.#shell(),
      clocks: this.#selfWatch.clocks,
      protocols: this.#protocols,
      addresses: this.#addresses,
      timeoutMs: () => this.#config.health.timeoutMs,
    };
    this.#heartbeats = new Heartbeats({ ...asking, revision: () => this.#state.decisions.revision });
    this.#dataProbes = new DataProbes({ ...asking, sockets: sockets.bare });
    this.#gossiper = new Gossiper({
      ...asking,
      proxies: () => this.#config.proxies,
      bootId: this.#bootId,
      state: () => this.#state.gossip,
    });
    this.#traffic = openTraffic(options, {
      settings: this.#trafficSettings(),
      bootId: this.#bootId,
      logTimeMs: (pool) => this.#state.pools.get(pool)?.logTimeMs ?? 0,
      trafficFailed: (host) => this.#troubles.add(host),
    });
    const status = (): ProxyStatus => this.status();
    this.#metrics = proxyMetrics({
      register: this.#register,
      status,
      state: () => ({ own: this.#state.own, seen: lastSeen(this.#state, clock.monotonicMs()) }),
    });
    this.#admin = new Admin({
      self: id,
      status,
      ...this.#probes,
      feed: this.#feed,
      sockets: sockets.admin,
    });
  }

  async start(own: ProxyConfig): Promise<RunningProxy> {
    try {
      const listen = await this.#traffic.listen(own.listen);
      const gossip = await this.#listenToGossip(own);
      const admin = await this.#admin.listen(own.admin);
      this.#tell({ type: "tick" });
      this.#selfWatch.start(
        () => otherMembers(this.#state.gossip, this.#options.clock.monotonicMs(), this.#rules.gossip),
        (state) => this.#tell({ type: "own", own: state }),
      );
      return {
        addresses: { listen, admin, gossip },
        status: () => this.status(),
        configure: (standing) => this.configure(standing),
        stop: () => this.stop(),
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  status(): ProxyStatus {
    return proxyStatus({
      config: this.#config,
      self: this.#options.id,
      state: this.#state,
      clocks: this.#selfWatch.clocks,
      quarantined: this.#selfWatch.quarantined,
      refusal: (proxy) => this.#gossiper.refusal(proxy),
      nowMs: this.#options.clock.monotonicMs(),
      rules: this.#rules,
      protocolProblem: (node) => this.#protocols.of(node),
      parked: (pool) => this.#traffic.parked(pool).requests,
      workers: this.#traffic.workers(),
    });
  }

  /** The core first: no request is to meet a host that is gone. */
  configure(standing: ConfigStanding): void {
    const { config } = standing;
    this.#standing = standing;
    this.#rules = proxyRules(config, this.#options.id);
    this.#addresses.configure(config.hosts);
    this.#tell({ type: "configured" });
    this.#traffic.configure(this.#trafficSettings());
    this.#tell({ type: "own", own: this.#selfWatch.state() });
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    // Heartbeats go on until the last request has ended: it may need another primary.
    await this.#traffic.stop(STOP_GRACE_MS);
    this.#stopping.abort(new Error("the proxy stops"));
    this.#wake();
    this.#selfWatch.stop();
    await this.#gossip?.stop();
    await this.#admin.stop();
    this.#transport.close();
  }

  /** Steps the core and performs what it says. What an effect leads to comes as an event of its own, never within. */
  #tell(event: ProxyEvent): void {
    if (this.#stopping.signal.aborted) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const step = stepProxy(this.#state, event, nowMs, this.#rules);
    this.#state = step.state;
    this.#wake();
    if (step.wakeMs !== Number.POSITIVE_INFINITY) {
      this.#wake = clock.after(Math.max(0, step.wakeMs - nowMs), () => this.#tell({ type: "tick" }));
    }
    for (const effect of step.effects) this.#perform(effect);
    if (event.type === "probeAnswered") this.#traffic.hostLives(event.host, event.sentMs);
    if (event.type === "probeAnswered" || event.type === "probeFailed") this.#selfWatch.exchanged();
  }

  #perform(effect: ProxyEffect): void {
    switch (effect.type) {
      case "probe":
        return this.#run(this.#heartbeats.send(this.#addresses.of(effect.host), effect.bootId));
      case "probeData":
        return this.#run(this.#dataProbes.send(effect.host));
      case "promote":
        return this.#run(sendOrder(effect.pool, effect.order, this.#addresses.of(effect.order.host), this.#shell()));
      case "askVote":
        return this.#run(askVote(effect, this.#addresses.of(effect.host), this.#shell()));
      case "gossip":
        return this.#run(this.#gossiper.exchange(effect.exchange));
      case "route":
        return this.#traffic.setRoute(effect.pool, effect.route);
      case "abandon":
        return this.#traffic.abandon(effect.pool, effect.host, effect.epoch);
      case "note":
        return this.#note(effect.note);
      default:
        return unreachable(effect);
    }
  }

  #note(note: Note): void {
    logNote(this.#options.log, note);
    this.#metrics.note(note);
    this.#feed.add(note);
    if (note.type === "decided") this.#options.onDecided?.(this.#state.decisions);
  }

  /** What fails here is a mistake in this program: it is said, and the proxy goes on with what it knows. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#options.log.error({ event: "internal", reason: reasonOf(error) }, "unexpected error"),
    );
  }

  #listenToGossip(own: ProxyConfig): Promise<Address> {
    const { mount, sockets, clock, log } = this.#options;
    const parts = { bootId: this.#bootId, handlers: this.#inboxHandlers() };
    const countRefused = (code: string): void => this.#metrics.refused(code);
    const { server: admin } = this.#admin;
    const probes = this.#probes;
    this.#gossip = new GossipListener({ own, admin, mount, parts, probes, sockets, countRefused, clock, log });
    return this.#gossip.listen();
  }

  #inboxHandlers(): ReturnType<typeof inboxHandlers> {
    return inboxHandlers({
      gossiper: this.#gossiper,
      standing: () => this.#standing,
      // Looked at as after an error of a request.
      look: (host) => void (this.#state.hosts.has(host) && this.#tell({ type: "trafficFailed", host })),
      revision: () => this.#state.decisions.revision,
    });
  }

  #shell(): SignalOptions {
    return {
      transport: this.#transport,
      clock: this.#options.clock,
      voteTimeoutMs: 2 * this.#config.health.timeoutMs + VOTE_MARGIN_MS,
      signal: this.#stopping.signal,
      tell: (event) => this.#tell(event),
    };
  }

  get #config(): Config {
    return this.#standing.config;
  }

  #trafficSettings(): TrafficSettings {
    return trafficSettings(this.#config, this.#options.id, this.#addresses.data);
  }

  #isReady(): boolean {
    if (exclusionOf(this.#state.decisions, this.#options.id) !== null) return false;
    return this.#traffic.workers().serving > 0 && [...this.#state.routes.values()].every((route) => route !== null);
  }
}
