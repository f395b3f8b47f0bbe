/** A proxy's core under a clock of the test's own, and a short way to tell it things. */
import { parseNodeId, parsePoolId, type NodeId, type PoolId } from "../../../shared/ids.ts";
import type { FenceMessage, HostReport, PoolReport } from "../../../shared/wire/reports.ts";
import {
  newProxyState,
  stepProxy,
  type ProxyBirth,
  type ProxyState,
  type Rules,
} from "../../../proxy/core/proxy-state.ts";
import type { ProxyEffect, ProxyEvent } from "../../../proxy/core/proxy-event.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import type { FailureKind } from "../../../proxy/core/probe-channel.ts";
import type { PoolView } from "../../../proxy/core/pool-view.ts";
import { settings } from "../../../proxy/core/settings.ts";
import { TUNING } from "../../tuning.ts";
import { fenceOf, hex, hostReport } from "../fake-host.ts";

export const MAIN: PoolId = parsePoolId("main");
export const A = parseNodeId("host-a");
export const B = parseNodeId("host-b");
export const C = parseNodeId("host-c");
export const HOSTS: readonly NodeId[] = [A, B, C];

/** 250 ms × 3, a hang of 10 s, takeovers within 5 s. */
export const SETTINGS = settings(TUNING);

export const SELF = parseNodeId("proxy-1");

export const RULES: Rules = {
  self: SELF,
  proxies: [SELF],
  gossip: gossipRules({ ...TUNING, proxies: [] }),
  settings: SETTINGS,
  hosts: HOSTS,
  pools: [{ pool: MAIN, preferred: HOSTS, candidates: HOSTS, vaultId: hex(15) }],
};

/** Each host's boot id. */
export const bootOf = (host: NodeId): string => hex(HOSTS.indexOf(host) + 1);
export const fence = (owner: NodeId, epoch: number): FenceMessage => fenceOf(owner, epoch, bootOf(owner));
export const report = (host: NodeId, pool: Partial<PoolReport> = {}, more: Partial<HostReport> = {}): HostReport =>
  hostReport(host, bootOf(host), pool, more);
export const primary = (host: NodeId, epoch: number, more: Partial<HostReport> = {}): HostReport =>
  report(host, { role: "primary", serving: true, fence: fence(host, epoch) }, more);

const BIRTH: ProxyBirth = {
  bootId: hex(14),
  seed: 1,
  own: {
    wallAheadMs: 0,
    clocks: [],
    quarantined: null,
    program: "1",
    configHash: "c",
    configProblem: null,
    pendingRestart: [],
    keys: [],
  },
};

export class World {
  rules: Rules;
  state: ProxyState;
  nowMs = 1000;
  /** Since the last `take`. */
  effects: ProxyEffect[] = [];

  constructor(rules: Rules = RULES) {
    this.rules = rules;
    this.state = newProxyState(rules, BIRTH, this.nowMs);
    this.tell({ type: "tick" });
    this.effects = [];
  }

  tell(event: ProxyEvent): this {
    const step = stepProxy(this.state, event, this.nowMs, this.rules);
    this.state = step.state;
    this.effects.push(...step.effects);
    return this;
  }

  /** It goes by other rules from now on. */
  configure(more: Partial<Rules>): this {
    this.rules = { ...this.rules, ...more };
    return this.tell({ type: "configured" });
  }

  after(ms: number): this {
    // A living proxy's timers fire when they are due: what is told here is neither one that was away nor one under strain.
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs = Math.min(end, Math.max(this.nowMs + 1, this.state.dueMs));
      this.tell({ type: "tick" });
    }
    return this;
  }

  heard(host: NodeId, body: HostReport): this {
    return this.tell({ type: "probeAnswered", host, sentMs: this.nowMs, report: body }).tell({
      type: "dataAnswered",
      host,
      sentMs: this.nowMs,
    });
  }

  failed(host: NodeId, kind: FailureKind): this {
    return this.tell({ type: "probeFailed", host, sentMs: this.nowMs, kind });
  }

  dataFailed(host: NodeId, kind: FailureKind): this {
    return this.tell({ type: "dataFailed", host, sentMs: this.nowMs, kind });
  }

  /** Refused twice, 20 ms apart, on both addresses. */
  dead(host: NodeId): this {
    this.failed(host, "refused").dataFailed(host, "refused");
    this.nowMs += 20;
    return this.failed(host, "refused").dataFailed(host, "refused");
  }

  view(): PoolView {
    return this.state.pools.get(MAIN)!;
  }

  verdict(host: NodeId): string {
    const { verdict } = this.state.hosts.get(host)!;
    return "reason" in verdict ? `${verdict.type}: ${verdict.reason}` : verdict.type;
  }

  route(): string {
    const route = this.state.routes.get(MAIN);
    return route ? `${route.host} ${route.epoch}` : "none";
  }

  /** Hosts ordered since the last `take`, with the epoch's fence that is to be deposed. */
  take(): string[] {
    const orders = this.effects.flatMap((effect) => (effect.type === "promote" ? [effect.order] : []));
    this.effects = [];
    return orders.map(({ host, fence: id }) => `${host} deposes ${id?.[0] ?? "nobody"}`);
  }

  /** A cluster at work: A serves in epoch 1, B is a little further than C. */
  atWork(): this {
    this.heard(A, primary(A, 1)).heard(B, report(B, { fence: fence(A, 1), slot: 12 }));
    this.heard(C, report(C, { fence: fence(A, 1), slot: 11 }));
    this.effects = [];
    return this;
  }
}
