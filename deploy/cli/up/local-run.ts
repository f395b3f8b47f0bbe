/**
 * One run of `hotspare up`, from the folder to the last process: prepare, start, say where to write, optionally write,
 * stop in order. Whatever ends it, no process is left.
 */
import { dirname, join } from "node:path";
import { sleep, type Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { NodeSockets } from "../../../shared/sockets.ts";
import type { CommandContext, JsonOption } from "../command.ts";
import { clusterStatus, isServed } from "../cluster-status.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { LiveLine } from "../live-line.ts";
import { Demonstration } from "./demonstration.ts";
import { Load, type LoadProof } from "./load.ts";
import type { LocalNode } from "./local-node.ts";
import { LocalNodes } from "./local-nodes.ts";
import type { News } from "./node-news.ts";
import { watchNpmParent } from "./npm-parent.ts";
import { prepareFolder, type FolderOptions } from "./prepare-folder.ts";
import { hearStopSignals } from "./stop-signals.ts";
import { UpReport } from "./up-report.ts";

export interface UpOptions extends FolderOptions, JsonOption {
  readonly load?: true;
}

const LOOK_MS = 200;
/** When somebody should be told that nothing serves yet. */
const PATIENCE_MS = 60_000;

/** @throws {HotspareError} as `prepareFolder`; HS_NODE_ENDED; HS_INTERNAL if an acknowledged write is lost. */
export async function localRun(options: UpOptions, context: CommandContext): Promise<void> {
  const { config, notes } = await prepareFolder(options, context);
  const { sockets } = await openCommandNetworks(config, ["public", "admin", "control", "data"], context);
  const run = new LocalRun(config, options, context, sockets);
  await run.go(notes);
}

class LocalRun {
  readonly #config: Config;
  readonly #options: UpOptions;
  readonly #context: CommandContext;
  readonly #clock: Clock;
  readonly #sockets: NodeSockets;
  readonly #live: LiveLine;
  readonly #report: UpReport;
  readonly #nodes: LocalNodes;
  /** Aborted when it is time to stop: with an error if a node cannot run. */
  readonly #ending = new AbortController();
  #failure: HotspareError | null = null;
  #everServed = false;
  #demonstration: Demonstration | null = null;

  constructor(config: Config, options: UpOptions, context: CommandContext, sockets: NodeSockets) {
    this.#config = config;
    this.#options = options;
    this.#context = context;
    this.#clock = context.clock;
    this.#sockets = sockets;
    this.#live = new LiveLine(context);
    this.#report = new UpReport(context, this.#live, options);
    this.#nodes = new LocalNodes({
      config,
      logs: this.#logs,
      program: context.program,
      env: context.env,
      clock: context.clock,
      news: (news, node) => this.#hear(news, node),
      failed: (error) => this.#fail(error),
    });
  }

  async go(notes: readonly string[]): Promise<void> {
    const signals = hearStopSignals(this.#clock, {
      stop: () => this.#quit("stopping; once more stops at once"),
      hurry: () => this.#nodes.kill(),
    });
    const endWatch = watchNpmParent({
      env: this.#context.env,
      clock: this.#clock,
      parentPid: () => process.ppid,
      gone: signals.hear,
    });
    try {
      for (const note of notes) this.#report.note(note);
      this.#report.note(`starting ${this.#nodes.all.map(({ id }) => id).join(", ")}; logs are in ${this.#logs}`);
      this.#nodes.start();
      await this.#untilServed();
      if (!this.#ending.signal.aborted) this.#report.ready(this.#config);
      if (this.#options.load) await this.#withLoad(signals.hear);
      else await this.#untilEnding();
    } finally {
      await this.#nodes.stop();
      endWatch();
      signals.end();
    }
    if (this.#failure) throw this.#failure;
    this.#report.note("stopped; nothing is left running");
  }

  get #logs(): string {
    return join(dirname(this.#config.file), "logs");
  }

  /** Until somebody serves, proxies only tell that hosts are not there yet. */
  #hear(news: News, node: LocalNode): void {
    if (news.kind === "serving") this.#everServed = true;
    if (this.#everServed || node.kind === "host") this.#report.news(news, node.id);
    if (news.kind === "serving") this.#demonstration?.served(node);
  }

  #quit(text: string): void {
    if (this.#ending.signal.aborted) return;
    this.#report.note(text);
    this.#ending.abort(new Error(text));
  }

  #fail(error: HotspareError): void {
    this.#failure ??= error;
    this.#ending.abort(error);
  }

  #untilEnding(): Promise<void> {
    const { signal } = this.#ending;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Returns when every pool is served, or it is time to stop. */
  async #untilServed(): Promise<void> {
    const { signal } = this.#ending;
    const beganMs = this.#clock.monotonicMs();
    for (let told = false; !signal.aborted;) {
      const { pools } = await clusterStatus(this.#config, { sockets: this.#sockets, clock: this.#clock });
      if (pools.every(isServed)) return;
      const late = this.#clock.monotonicMs() - beganMs > PATIENCE_MS;
      if (late && !told) this.#report.note(`not served after ${PATIENCE_MS / 1000} s; see the logs in ${this.#logs}`);
      told = late;
      await sleep(this.#clock, LOOK_MS, signal).catch(() => undefined);
    }
  }

  async #withLoad(quit: () => void): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const { proxies, hosts } = this.#config;
    const [front] = proxies.length > 0 ? proxies : hosts;
    if (!front) throw new HotspareError("HS_INTERNAL", { what: "a configuration without nodes was accepted" });
    const sockets = proxies.length > 0 ? this.#sockets.public : this.#sockets.data;
    const run = this.#context.random.bytes(4).toString("hex");
    const load = new Load({ address: front.advertise, sockets, run, clock: this.#clock });
    await load.start();
    this.#demonstration = new Demonstration({
      load,
      nodes: this.#nodes,
      config: this.#config,
      sockets: this.#sockets,
      context: this.#context,
      live: this.#live,
      report: this.#report,
      quit,
    });
    this.#demonstration.start();
    await this.#untilEnding();
    for (const node of this.#nodes.all) node.resume();
    await load.stop();
    this.#demonstration.stop();
    await this.#prove(load);
  }

  async #prove(load: Load): Promise<void> {
    const { counts } = load;
    let proof: LoadProof | null = null;
    try {
      proof = await load.verify();
    } catch (error) {
      this.#report.note(reasonOf(error));
    }
    load.close();
    this.#report.summary(counts, proof);
    if (proof === null || proof.lost.length === 0) return;
    const [first = ""] = proof.lost;
    const what = `the acknowledged writes of ${proof.lost.length} documents are not there, the first is ${first}`;
    this.#failure ??= new HotspareError("HS_INTERNAL", { what });
  }
}
