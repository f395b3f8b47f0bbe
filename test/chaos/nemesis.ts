/**
 * Does faults to a cluster, one after the other, and undoes each of them. Who is primary is asked of the hosts themselves
 * when a fault begins, so that a fault hits what it means, also in the middle of a takeover.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { HostReport, Nodes } from "../cluster/nodes.ts";
import type { Dice } from "../simulation/dice.ts";
import type { Cut, Fault, Target, Way } from "./fault.ts";
import type { Network, Rule } from "./network.ts";
import { beforeSummerTimeS, type WallClocks } from "./wall-clocks.ts";

export interface NemesisOptions {
  readonly nodes: Nodes;
  readonly dice: Dice;
  readonly network: Network | null;
  readonly clocks: WallClocks | null;
  /** Resolves after the time, or at once when the run is to end. */
  readonly wait: (ms: number) => Promise<void>;
}

const TAKER_WAIT_MS = 5000;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #hosts: readonly string[];
  readonly #proxies: readonly string[];

  constructor(options: NemesisOptions) {
    this.#options = options;
    this.#hosts = [...options.nodes.hosts.keys()];
    this.#proxies = [...options.nodes.proxies.keys()];
  }

  /** From its beginning until it is undone. */
  async inflict(fault: Fault): Promise<void> {
    const { wait } = this.#options;
    switch (fault.type) {
      case "kill":
        return this.#endAndStart(await this.#find(fault.target), { signal: "SIGKILL", forMs: fault.forMs });
      case "stop":
        return this.#endAndStart(await this.#find(fault.target), { signal: "SIGTERM", forMs: fault.forMs });
      case "kill taker":
        return this.#killTaker(fault.afterMs, fault.forMs);
      case "pause":
        return this.#pause(await this.#find(fault.target), fault.forMs);
      case "lose data":
        return this.#loseData(await this.#standby(), fault.forMs);
      case "cut":
        return this.#withRules(await this.#rules(fault.cut, fault.way), () => wait(fault.forMs));
      case "cut catching up":
        return this.#cutCatchingUp(await this.#standby(), fault.forMs);
      case "lose packets":
        return this.#withRules(await this.#loss(fault.target, fault.percent), () => wait(fault.forMs));
      case "slow network":
        return this.#slow(await this.#find(fault.target), fault.forMs);
      case "clock":
        return this.#moveClocks(await this.#find(fault.target), fault.byS, fault.forMs);
      case "summer time":
        return this.#moveClocks([...this.#hosts, ...this.#proxies], beforeSummerTimeS(new Date()), fault.forMs);
    }
  }

  /** Whatever was done is undone, and every node runs. */
  async heal(): Promise<void> {
    const { nodes, network, clocks } = this.#options;
    network?.apply([]);
    for (const id of [...this.#hosts, ...this.#proxies]) {
      clocks?.move(id, 0);
      if (nodes.runs(id)) await nodes.signal(id, "SIGCONT");
      else nodes.start(id);
    }
  }

  async #endAndStart(
    ids: readonly string[],
    { signal, forMs }: { readonly signal: "SIGKILL" | "SIGTERM"; readonly forMs: number },
  ): Promise<void> {
    const { nodes, wait } = this.#options;
    await Promise.all(ids.map((id) => nodes.signal(id, signal)));
    await wait(forMs);
    for (const id of ids) nodes.start(id);
  }

  async #killTaker(afterMs: number, forMs: number): Promise<void> {
    const { nodes, wait } = this.#options;
    const primary = await this.#primary();
    await nodes.signal(primary, "SIGKILL");
    const taker = await this.#taker(primary);
    await wait(afterMs);
    if (taker !== null) await nodes.signal(taker, "SIGKILL");
    await wait(forMs);
    for (const id of [primary, ...(taker === null ? [] : [taker])]) nodes.start(id);
  }

  /** Who takes over, as soon as its role says so. */
  async #taker(former: string): Promise<string | null> {
    const deadlineMs = performance.now() + TAKER_WAIT_MS;
    const others = this.#hosts.filter((id) => id !== former);
    while (performance.now() < deadlineMs) {
      for (const id of others) {
        const role = (await this.#options.nodes.report(id))?.role;
        if (role === "taking-over" || role === "primary") return id;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return null;
  }

  async #pause(ids: readonly string[], forMs: number): Promise<void> {
    const { nodes, wait } = this.#options;
    await Promise.all(ids.map((id) => nodes.signal(id, "SIGSTOP")));
    await wait(forMs);
    await Promise.all(ids.map((id) => nodes.signal(id, "SIGCONT")));
  }

  async #loseData(id: string, forMs: number): Promise<void> {
    const { nodes, wait } = this.#options;
    await nodes.signal(id, "SIGKILL");
    rmSync(join(nodes.folder, "data", id), { recursive: true, force: true });
    await wait(forMs);
    nodes.start(id);
  }

  /** Cut off as soon as it answers at all, or a little later: anywhere between its start and the head. */
  async #cutCatchingUp(id: string, forMs: number): Promise<void> {
    const { nodes, dice, wait } = this.#options;
    await this.#loseData(id, 0);
    const deadlineMs = performance.now() + TAKER_WAIT_MS;
    while ((await nodes.report(id)) === null && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await wait(dice.spread(1, 500));
    await this.#withRules(this.#between([id], this.#others([id]), "both"), () => wait(forMs));
  }

  async #withRules(rules: readonly Rule[], during: () => Promise<void>): Promise<void> {
    const { network } = this.#options;
    if (network === null) throw new Error("this run has no network of its own");
    network.apply(rules);
    await during();
    network.apply([]);
  }

  async #rules(cut: Cut, way: Way): Promise<readonly Rule[]> {
    switch (cut) {
      case "primary from proxies":
        return this.#between([await this.#primary()], this.#proxies, way);
      case "primary from one proxy":
        return this.#between([await this.#primary()], [this.#proxy()], way);
      case "standby from all": {
        const standby = [await this.#standby()];
        return this.#between(standby, this.#others(standby), way);
      }
      case "proxy from hosts":
        return this.#between([this.#proxy()], this.#hosts, way);
      case "primary from all": {
        const primary = [await this.#primary()];
        return this.#between(primary, this.#others(primary), way);
      }
    }
  }

  async #loss(target: "primary" | "proxy", percent: number): Promise<readonly Rule[]> {
    const ids = await this.#find(target);
    return this.#between(ids, this.#others(ids), "both", percent);
  }

  async #slow(ids: readonly string[], forMs: number): Promise<void> {
    const { network, wait } = this.#options;
    for (const id of ids) network?.slow(id);
    await wait(forMs);
    for (const id of ids) network?.fast(id);
  }

  async #moveClocks(ids: readonly string[], byS: number, forMs: number): Promise<void> {
    const { clocks, wait } = this.#options;
    for (const id of ids) clocks?.move(id, byS);
    await wait(forMs);
    for (const id of ids) clocks?.move(id, 0);
  }

  #between(ids: readonly string[], peers: readonly string[], way: Way, percent = 100): readonly Rule[] {
    const ways = way === "both" ? (["in", "out"] as const) : [way];
    return ids.flatMap((at) => peers.flatMap((peer) => ways.map((one): Rule => ({ at, peer, way: one, percent }))));
  }

  #others(ids: readonly string[]): readonly string[] {
    return [...this.#hosts, ...this.#proxies].filter((id) => !ids.includes(id));
  }

  async #find(target: Target): Promise<readonly string[]> {
    switch (target) {
      case "primary":
        return [await this.#primary()];
      case "standby":
        return [await this.#standby()];
      case "proxy":
        return [this.#proxy()];
      case "primary and standby": {
        const primary = await this.#primary();
        return [primary, this.#options.dice.pick(this.#hosts.filter((id) => id !== primary))];
      }
      case "primary and proxy":
        return [await this.#primary(), this.#proxy()];
      case "all hosts":
        return this.#hosts;
      case "everything":
        return [...this.#hosts, ...this.#proxies];
    }
  }

  #proxy(): string {
    return this.#options.dice.pick(this.#proxies);
  }

  async #standby(): Promise<string> {
    const primary = await this.#primary();
    return this.#options.dice.pick(this.#hosts.filter((id) => id !== primary));
  }

  /** Who serves in the newest epoch; any host if none does. */
  async #primary(): Promise<string> {
    const serving = (await this.reports()).filter(({ report }) => report.serving);
    const [newest] = serving.toSorted((a, b) => b.report.epoch - a.report.epoch);
    return newest?.id ?? this.#options.dice.pick(this.#hosts);
  }

  /** Of all hosts that answer. */
  async reports(): Promise<readonly { readonly id: string; readonly report: HostReport }[]> {
    const asked = this.#hosts.map(async (id) => ({ id, report: await this.#options.nodes.report(id) }));
    return (await Promise.all(asked)).flatMap(({ id, report }) => (report === null ? [] : { id, report }));
  }
}
