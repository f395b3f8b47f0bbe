/**
 * The proof that no request fails: a real cluster, clients that never send anything twice, and every few seconds the primary
 * is killed, paused or told to stop. At the end everything that was acknowledged is looked for. Every process is gone
 * afterwards, whatever happened; the folder stays if a promise was broken.
 */
import { join } from "node:path";
import { Nodes } from "../../cluster/nodes.ts";
import { Dice } from "../../simulation/dice.ts";
import { until } from "../../until.ts";
import { readClusterState, type ClusterState } from "../cluster-state.ts";
import { nameOfFault, type Fault } from "../fault.ts";
import { Nemesis } from "../nemesis.ts";
import type { Progress } from "../progress.ts";
import { stoppableWait } from "../stoppable-wait.ts";
import { judgeEffects, type EffectsVerdict } from "./effects.ts";
import { pauseRows, type FaultTime, type PauseRow } from "./pauses.ts";
import { readEffects } from "./read-effects.ts";
import { RequestClient } from "./request-client.ts";
import type { RequestsOptions } from "./requests-options.ts";
import type { Method } from "./sender.ts";
import { Tally } from "./tally.ts";
import { violationsOf } from "./verdict.ts";

export interface RequestsReport {
  readonly seed: number;
  readonly folder: string;
  readonly seconds: number;
  readonly clients: number;
  readonly connections: number;
  readonly requests: number;
  readonly methods: Readonly<Record<Method, number>>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly acknowledgedWrites: number;
  readonly faults: number;
  readonly failovers: number;
  readonly pauses: readonly PauseRow[];
  readonly failed: number;
  /** By what they met. */
  readonly failures: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly doubled: number;
  readonly wrongAnswers: number;
  readonly violations: readonly string[];
}

interface Parts {
  readonly progress: Progress;
  readonly nodes: Nodes;
}

const HOSTS = 3;
/**
 * Bodies and answers of 5 MB can be sent again. Checkpoints and cleaning go on, so that the folder stays small. Paused
 * primaries are replaced however often it happens: no damper makes them wait.
 */
const EXTRA = [
  "replay: { body: 6MiB, answer: 6MiB }",
  "park: { bytes: 512MiB }",
  "checkpoint: { bytes: 64MiB, interval: 10s, keep: 2 }",
  "cleanDelay: 10s",
  "health: { damp: 0 }",
].join("\n");
const APP = join(import.meta.dirname, "app.ts");
const HEAL_MS = 60_000;
const KINDS = 3;
/** Fewer requests than this each second are no load. */
const LEAST_REQUESTS_PER_S = 5;

export class RequestsRun {
  readonly #options: RequestsOptions;
  readonly #progress: Progress;
  readonly #nodes: Nodes;
  readonly #dice: Dice;
  readonly #nemesis: Nemesis;
  readonly #tally = new Tally();
  readonly #clients: readonly RequestClient[];
  readonly #faults: FaultTime[] = [];
  readonly #violations: string[] = [];
  /** No client begins another request. */
  readonly #ended = new AbortController();
  #failovers = 0;

  static async run(options: RequestsOptions, progress: Progress): Promise<RequestsReport> {
    const nodes = await Nodes.make({ hosts: HOSTS, proxies: 2, app: APP, extra: EXTRA, apart: true });
    return await new RequestsRun(options, { progress, nodes }).#all();
  }

  private constructor(options: RequestsOptions, { progress, nodes }: Parts) {
    this.#options = options;
    this.#progress = progress;
    this.#nodes = nodes;
    this.#dice = new Dice(options.seed);
    const wait = (ms: number): Promise<void> => stoppableWait(ms, progress.stop);
    this.#nemesis = new Nemesis({ nodes, dice: this.#dice, network: null, clocks: null, wait });
    const urls = [...nodes.proxies.keys()].map((id) => nodes.url(id));
    this.#clients = Array.from({ length: options.clients }, (_, n) => {
      const dice = new Dice(options.seed * 10_000 + n);
      return new RequestClient(`c${n}`, { url: urls[n % urls.length]!, dice, tally: this.#tally });
    });
  }

  async #all(): Promise<RequestsReport> {
    const beganMs = performance.now();
    let report: RequestsReport | null = null;
    try {
      this.#nodes.startAll();
      await until(async () => (await this.#isReady()) && (await this.#state()).settled, {
        timeoutMs: HEAL_MS,
        everyMs: 50,
      });
      await this.#loadAndFaults();
      await this.#recover(HOSTS - 1);
      report = this.#report(performance.now() - beganMs, await this.#check());
      return report;
    } finally {
      for (const { sender } of this.#clients) sender.end();
      await this.#nodes.end({ keep: this.#options.keep || report === null || report.violations.length > 0 });
    }
  }

  async #loadAndFaults(): Promise<void> {
    const clients = this.#clients.map((client) => client.run(this.#ended.signal));
    try {
      await this.#inflictAll();
    } finally {
      this.#ended.abort();
    }
    this.#says("the last answers …");
    await Promise.all(clients);
  }

  /** Each kind once in every three, in any order, for as long as was asked for, and three times at least. */
  async #inflictAll(): Promise<void> {
    const deadlineMs = performance.now() + this.#options.seconds * 1000;
    const isTime = (): boolean => performance.now() < deadlineMs || this.#faults.length < KINDS;
    let kinds: Fault[] = [];
    while (isTime() && !this.#tally.full && !this.#progress.stop.aborted && this.#violations.length === 0) {
      await stoppableWait(this.#dice.between(500, 3000), this.#progress.stop);
      if (kinds.length === 0) kinds = oneOfEach(this.#dice);
      await this.#inflict(kinds.splice(this.#dice.whole(0, kinds.length - 1), 1)[0]!);
      await this.#recover();
    }
  }

  async #inflict(fault: Fault): Promise<void> {
    const { epoch } = await this.#state();
    const beganMs = performance.now();
    const name = nameOfFault(fault);
    this.#says(`${name} …`);
    await this.#nemesis.inflict(fault).catch((error: unknown) => this.#violate(`${name}: ${String(error)}`));
    await this.#nemesis.heal();
    const healedMs = performance.now();
    await this.#eventually(`a request succeeds after ${name}`, () => this.#tally.lastOkBeganMs > healedMs);
    const failovers = Math.max(0, (await this.#state()).epoch - epoch);
    if (fault.type !== "pause" && failovers === 0) this.#violate(`nobody took over after ${name}`);
    this.#failovers += failovers;
    this.#faults.push({ name: nameOf(fault, failovers), beganMs, overMs: performance.now() });
  }

  /**
   * Somebody can take over again, and what was under way during a fault has its answer. A request that meets a second death
   * is refused by design (`HS_REQUEST_POISON`), so none is made to.
   */
  async #recover(standbys = 1): Promise<void> {
    const sinceMs = performance.now();
    await this.#eventually(
      `${standbys} standbys follow one primary, and older requests have their answers`,
      async () => this.#tally.oldestBeganMs > sinceMs && (await this.#state()).following >= standbys,
    );
  }

  /** Everything is read by those who wrote it, and by all hosts. */
  async #check(): Promise<EffectsVerdict> {
    this.#says("reading everything …");
    for (const client of this.#clients) await client.readAll();
    for (const { id, code, signal } of this.#nodes.unexpectedEnds)
      this.#violate(`${id} ended by itself: ${code ?? signal}`);
    await this.#compareHosts();
    await this.#nodes
      .command("vault", "verify")
      .catch((error: unknown) => this.#violate(`the vault: ${String(error)}`));
    return judgeEffects(await readEffects(this.#nodes.url()), this.#tally);
  }

  async #compareHosts(): Promise<void> {
    try {
      const hashes = await this.#nodes.freshHashes();
      if (new Set(hashes).size !== 1) this.#violate(`hosts differ: ${hashes.join(", ")}`);
    } catch (error) {
      this.#violate(`hosts cannot be compared: ${String(error)}`);
    }
  }

  #report(ranMs: number, effects: EffectsVerdict): RequestsReport {
    const tally = this.#tally;
    const seconds = Math.round(ranMs / 1000);
    if (tally.requests < LEAST_REQUESTS_PER_S * seconds) this.#violate(`an empty run: ${tally.requests} requests`);
    if (this.#faults.length === 0) this.#violate("an empty run: no fault");
    return {
      seed: this.#options.seed,
      folder: this.#nodes.folder,
      seconds,
      clients: this.#clients.length,
      connections: this.#clients.reduce((sum, { sender }) => sum + sender.connections, 0),
      requests: tally.requests,
      methods: tally.methods,
      sentBytes: tally.sentBytes,
      receivedBytes: tally.receivedBytes,
      acknowledgedWrites: tally.acknowledged.size,
      faults: this.#faults.length,
      failovers: this.#failovers,
      pauses: pauseRows(this.#faults, tally.spans),
      failed: tally.failed,
      failures: Object.fromEntries(tally.kinds),
      lost: effects.lost.length,
      doubled: effects.doubled.length,
      wrongAnswers: tally.wrongAnswers,
      violations: [...this.#violations, ...violationsOf(tally, effects, this.#faults)],
    };
  }

  #state(): Promise<ClusterState> {
    return readClusterState(this.#nemesis, HOSTS);
  }

  async #isReady(): Promise<boolean> {
    const primaries = await Promise.all([...this.#nodes.proxies.keys()].map((id) => this.#nodes.primary(id)));
    return primaries.every((primary) => primary !== null);
  }

  async #eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await until(holds, { timeoutMs: HEAL_MS, everyMs: 20 });
    } catch {
      const { text } = await this.#state();
      this.#violate(`within ${HEAL_MS / 1000} s after everything was healed it does not hold that ${what}: ${text}`);
    }
  }

  #violate(what: string): void {
    this.#violations.push(what);
  }

  #says(what: string): void {
    const { requests, failed, wrongAnswers } = this.#tally;
    this.#progress.says(
      `${this.#faults.length} faults, ${requests} requests, ${failed} failed, ${wrongAnswers} wrong: ${what}`,
    );
  }
}

function oneOfEach(dice: Dice): Fault[] {
  return [
    { type: "kill", target: "primary", forMs: dice.spread(100, 2000) },
    // Some of them are over before anybody takes over.
    { type: "pause", target: "primary", forMs: dice.spread(200, 5000) },
    { type: "stop", target: "primary", forMs: dice.spread(10, 1000) },
  ];
}

/** What the table calls it, once it is over. */
function nameOf(fault: Fault, failovers: number): string {
  if (fault.type === "stop") return "switchover (SIGTERM)";
  return fault.type === "kill" ? "SIGKILL" : `SIGSTOP, ${failovers > 0 ? "" : "not "}replaced`;
}
