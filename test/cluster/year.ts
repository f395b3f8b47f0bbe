/** Steady writers through both proxies of a cluster, and what operators wait for while they change it. */
import { expect } from "vitest";
import { until } from "../until.ts";
import type { Machines } from "./machines.ts";
import type { Fence } from "./scenario.ts";
import { Writers } from "./writers.ts";

export const PROXIES = ["proxy-1", "proxy-2"];
/** Where clients write. */
export const SPACE = "year";
const PATIENCE = { timeoutMs: 60_000, everyMs: 200 };

interface Differences {
  readonly nodes: readonly {
    readonly reached: boolean;
    readonly differences: readonly unknown[];
    readonly pendingRestart: readonly string[];
    readonly problem: string | null;
  }[];
}

/** What is known of a cluster from the first day to the last: who takes part, who writes, and every takeover that was brought about. */
export class Year {
  readonly machines: Machines;
  /** The hosts that take part now. */
  hosts: readonly string[] = ["host-a", "host-b", "host-c"];
  /** The causes of all takeovers, in their order. */
  readonly causes = [/^a new pool$/];
  readonly #desk: string;
  #load: Writers | null = null;
  readonly #beganMs = performance.now();

  /** `desk`: the machine on which operators look at the cluster. */
  constructor(machines: Machines, desk: string) {
    this.machines = machines;
    this.#desk = desk;
  }

  get load(): Writers {
    if (this.#load === null) throw new Error("nobody writes yet");
    return this.#load;
  }

  async beginLoad(): Promise<void> {
    const headers = { "content-type": "application/json" };
    const urls = PROXIES.map((proxy) => this.machines.url(proxy));
    const made = await fetch(`${urls[0]}/spaces/${SPACE}`, { method: "PUT", body: "{}", headers });
    expect(made.status, await made.text()).toBe(201);
    let turn = 0;
    const url = (): string => urls[turn++ % urls.length] ?? "";
    this.#load = new Writers({ url, clients: 2, restMs: 40, space: SPACE, roams: true });
  }

  /** One line when a part of the year is over; until then nothing has failed, and clients go on to write. */
  async passed(line: string): Promise<void> {
    const before = this.load.acknowledged.length;
    await until(() => this.load.acknowledged.length >= before + 20, PATIENCE);
    expect(this.load.failures).toEqual([]);
    expect(this.machines.endedByThemselves).toEqual([]);
    const seconds = ((performance.now() - this.#beganMs) / 1000).toFixed(1);
    process.stderr.write(`${seconds.padStart(6)} s  ${line}; ${this.load.acknowledged.length} writes acknowledged\n`);
  }

  /** All proxies agree on who serves, and all others are warm. */
  settled({ down = 0, epoch = 1 } = {}): Promise<string> {
    return this.machines.settled({ proxies: PROXIES, standbys: this.hosts.length - 1 - down, epoch });
  }

  /** Takeovers that happened, oldest first. */
  async takeovers(): Promise<readonly Fence[]> {
    const { fences } = await this.machines.json<{ readonly fences: readonly Fence[] }>(this.#desk, "history");
    return fences.filter(({ isVoid }) => !isVoid).toReversed();
  }

  /** The primary gives its pool away, for this reason, which a proxy may notice and act upon before the next host is told. */
  handedOver(reason: RegExp, { down = 0 } = {}): Promise<string> {
    return this.tookOver(new RegExp(`${reason.source}|^not serving: `), { down });
  }

  /** A takeover with this cause was brought about; every host but so many is there again, and the pool is served. */
  async tookOver(cause: RegExp, { down = 0 } = {}): Promise<string> {
    this.causes.push(cause);
    return await this.settled({ down, epoch: this.causes.length });
  }

  /** Stops a host in order and starts it again. */
  async restart(host: string): Promise<void> {
    const isPrimary = (await this.settled()) === host;
    await this.machines.stop(host);
    await (isPrimary ? this.handedOver(/^the host stops$/, { down: 1 }) : this.settled({ down: 1 }));
    this.machines.start(host);
    await this.settled();
  }

  standbyOf(primary: string): string {
    return this.hosts.find((host) => host !== primary) ?? "";
  }

  /** Every node runs with the very file that each of these machines has. */
  async alike(...machines: readonly string[]): Promise<void> {
    for (const machine of machines) {
      await until(async () => {
        const diff = await this.machines.json<Differences>(machine, "config", "diff").catch(() => null);
        return diff?.nodes.every(isAlike) === true;
      }, PATIENCE);
    }
  }
}

const isAlike = ({ reached, differences, pendingRestart, problem }: Differences["nodes"][number]): boolean =>
  reached && differences.length === 0 && pendingRestart.length === 0 && problem === null;
