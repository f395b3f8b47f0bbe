/**
 * One run: a cluster, its clients, one fault after the other, and at the end, when everything is healed, the verdict. Every
 * process and everything around it is gone afterwards, whatever happened; the folder stays if a promise was broken.
 */
import { join } from "node:path";
import { Nodes } from "../cluster/nodes.ts";
import { Dice } from "../simulation/dice.ts";
import { until } from "../until.ts";
import type { ChaosOptions } from "./chaos-options.ts";
import { chooseFault } from "./choose-fault.ts";
import { readClusterState, type ClusterState } from "./cluster-state.ts";
import { deposes, nameOfFault, type Fault } from "./fault.ts";
import { faultRows, type FaultRow, type Incident } from "./incident.ts";
import { judge } from "./judge.ts";
import { Load } from "./load.ts";
import { Nemesis } from "./nemesis.ts";
import type { Progress } from "./progress.ts";
import { Recorder } from "./recorder.ts";
import { stoppableWait } from "./stoppable-wait.ts";
import { Surroundings } from "./surroundings.ts";

export interface ChaosReport {
  readonly seed: number;
  readonly folder: string;
  readonly seconds: number;
  readonly faults: readonly FaultRow[];
  readonly skipped: readonly string[];
  readonly calls: { readonly ok: number; readonly fail: number; readonly unknown: number };
  readonly acknowledgedWrites: number;
  readonly reads: number;
  readonly epochs: number;
  readonly failovers: number;
  /** What clients met on the way to an answer, by code. */
  readonly setbacks: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/** Checkpoints, cleaning and restores come all the time, not once in ten minutes. */
const DENSE = "checkpoint: { bytes: 64KiB, interval: 2s, keep: 2 }\ncleanDelay: 1s\nidempotency: { proxy: 1m }";
const APP = join(import.meta.dirname, "app.ts");
const HEAL_MS = 60_000;
/** Fewer calls that succeeded than this each second is no load. */
const LEAST_CALLS_PER_S = 5;

export class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #progress: Progress;
  readonly #surroundings: Surroundings;
  readonly #nodes: Nodes;
  readonly #recorder: Recorder;
  readonly #load: Load;
  readonly #nemesis: Nemesis;
  readonly #dice: Dice;
  readonly #incidents: Incident[] = [];
  readonly #violations: string[] = [];
  #deposed = 0;

  static async run(options: ChaosOptions, progress: Progress): Promise<ChaosReport> {
    const ids = [...names("host-", "abcdef", options.hosts), ...names("proxy-", "123456", options.proxies)];
    const surroundings = new Surroundings(ids, options.kinds);
    try {
      for (const line of surroundings.skipped) progress.says(line);
      const { hosts, proxies } = options;
      const nodes = await Nodes.make({ hosts, proxies, app: APP, extra: DENSE, placement: surroundings, apart: true });
      return await new ChaosRun(options, { progress, surroundings, nodes }).#all();
    } finally {
      surroundings.remove();
    }
  }

  private constructor(
    options: ChaosOptions,
    parts: { readonly progress: Progress; readonly surroundings: Surroundings; readonly nodes: Nodes },
  ) {
    this.#options = options;
    this.#progress = parts.progress;
    this.#surroundings = parts.surroundings;
    this.#nodes = parts.nodes;
    this.#dice = new Dice(options.seed);
    this.#recorder = new Recorder(join(this.#nodes.folder, "history.jsonl"));
    const proxies = [...this.#nodes.proxies.keys()].map((id) => this.#nodes.url(id));
    this.#load = new Load({ proxies, seed: options.seed, recorder: this.#recorder });
    const { network, clocks } = this.#surroundings;
    const wait = (ms: number): Promise<void> => stoppableWait(ms, parts.progress.stop);
    this.#nemesis = new Nemesis({ nodes: this.#nodes, dice: this.#dice, network, clocks, wait });
  }

  async #all(): Promise<ChaosReport> {
    const beganMs = performance.now();
    let report: ChaosReport | null = null;
    try {
      this.#nodes.startAll();
      await until(async () => (await this.#state()).serving, { timeoutMs: HEAL_MS, everyMs: 50 });
      await this.#load.start();
      await this.#faults();
      await this.#finish();
      report = await this.#report(performance.now() - beganMs);
      return report;
    } finally {
      this.#load.end();
      await this.#nodes.end({ keep: this.#options.keep || report === null || report.violations.length > 0 });
    }
  }

  async #faults(): Promise<void> {
    const deadlineMs = performance.now() + this.#options.minutes * 60_000;
    const { kinds } = this.#surroundings;
    while (performance.now() < deadlineMs && !this.#ended() && kinds.length > 0) {
      await stoppableWait(this.#dice.spread(100, 2000), this.#progress.stop);
      await this.#inflict(chooseFault(this.#dice, kinds));
      // Now and then the next one comes while hosts still catch up.
      if (this.#dice.chance(0.5)) await this.#settle();
    }
  }

  async #inflict(fault: Fault): Promise<void> {
    const name = nameOfFault(fault);
    const beganMs = performance.now();
    const { epoch } = await this.#state();
    this.#says(`${name} …`);
    await this.#nemesis.inflict(fault).catch((error: unknown) => this.#violate(`${name}: ${String(error)}`));
    await this.#nemesis.heal();
    const healedMs = performance.now();
    await this.#eventually(`a call succeeds after ${name}`, () => this.#recorder.lastOkBeganMs > healedMs);
    if (deposes(fault)) this.#deposed += 1;
    const failovers = Math.max(0, (await this.#state()).epoch - epoch);
    this.#incidents.push({ name, beganMs, overMs: performance.now(), failovers });
  }

  /** All is healed: everything is read, judged, and compared. */
  async #finish(): Promise<void> {
    this.#says("healing …");
    await this.#nemesis.heal();
    await this.#load.stop();
    await this.#settle();
    this.#says("reading everything …");
    await this.#load.readAll();
    await this.#compareHosts();
    await this.#nodes
      .command("vault", "verify")
      .catch((error: unknown) => this.#violate(`the vault: ${String(error)}`));
    await this.#recorder.close();
    this.#says(`judging ${this.#recorder.calls.length} calls …`);
    for (const broken of judge(this.#recorder.calls)) this.#violate(broken);
    for (const complaint of this.#recorder.complaints) this.#violate(complaint);
    for (const { id, code, signal } of this.#nodes.unexpectedEnds)
      this.#violate(`${id} ended by itself: ${code ?? signal}`);
  }

  async #compareHosts(): Promise<void> {
    try {
      let hashes: readonly string[] = [];
      await until(async () => (hashes = await this.#hashesIfTimeIsRight()).length > 0, { timeoutMs: HEAL_MS });
      if (new Set(hashes).size !== 1) this.#violate(`hosts differ: ${hashes.join(", ")}`);
    } catch (error) {
      this.#violate(`hosts cannot be compared: ${String(error)}`);
    }
  }

  /** None: a node has not noticed yet that its clock was set right, and refuses what is signed now. */
  async #hashesIfTimeIsRight(): Promise<readonly string[]> {
    try {
      return await this.#nodes.freshHashes();
    } catch (error) {
      if (String(error).includes("out of the time window")) return [];
      throw error;
    }
  }

  async #report(ranMs: number): Promise<ChaosReport> {
    const { outcomes, acknowledgedWrites, reads, spans } = this.#recorder;
    const failovers = this.#incidents.reduce((sum, incident) => sum + incident.failovers, 0);
    if (outcomes.ok < (LEAST_CALLS_PER_S * ranMs) / 1000)
      this.#violate(`an empty run: only ${outcomes.ok} calls succeeded`);
    if (this.#deposed > 0 && failovers === 0)
      this.#violate("an empty run: primaries were killed, and nobody took over");
    return {
      seed: this.#options.seed,
      folder: this.#nodes.folder,
      seconds: Math.round(ranMs / 1000),
      faults: faultRows(this.#incidents, spans),
      skipped: this.#surroundings.skipped,
      calls: { ...outcomes },
      acknowledgedWrites,
      reads,
      epochs: (await this.#state()).epoch,
      failovers,
      setbacks: Object.fromEntries(this.#load.setbacks()),
      violations: this.#violations,
    };
  }

  /** One primary, and all others at the head. */
  async #settle(): Promise<void> {
    await this.#eventually(
      "one primary serves, and all standbys are at the head",
      async () => (await this.#state()).settled,
    );
  }

  #state(): Promise<ClusterState> {
    return readClusterState(this.#nemesis, this.#options.hosts);
  }

  async #eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await until(holds, { timeoutMs: HEAL_MS, everyMs: 20 });
    } catch {
      const { text } = await this.#state();
      this.#violate(`within ${HEAL_MS / 1000} s after everything was healed it does not hold that ${what}: ${text}`);
    }
  }

  #ended(): boolean {
    return this.#progress.stop.aborted || this.#recorder.full || this.#violations.length > 0;
  }

  #violate(what: string): void {
    this.#violations.push(what);
  }

  #says(what: string): void {
    const { outcomes } = this.#recorder;
    this.#progress.says(
      `${this.#incidents.length} faults, ${outcomes.ok} calls ok, ${outcomes.unknown} unknown: ${what}`,
    );
  }
}

const names = (prefix: string, letters: string, count: number): readonly string[] =>
  letters
    .slice(0, count)
    .split("")
    .map((letter) => `${prefix}${letter}`);
