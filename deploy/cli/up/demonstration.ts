/**
 * `up --load` at work: shows how the load fares, and lets whoever sits at the terminal harm the primary: `k` kills it,
 * `z` pauses it. A paused primary goes on when another host serves, to show that it has become a standby.
 */
import type { Cancel, Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { NodeSockets } from "../../../shared/sockets.ts";
import type { CommandContext } from "../command.ts";
import { clusterStatus } from "../cluster-status.ts";
import type { LiveLine } from "../live-line.ts";
import type { Load } from "./load.ts";
import type { LocalNode } from "./local-node.ts";
import { loadText, type UpReport } from "./up-report.ts";

/** What is done to a node here. */
export type DemonstratedNode = Pick<LocalNode, "id" | "paused" | "kill" | "pause" | "resume">;

export interface DemonstrationOptions {
  readonly load: Pick<Load, "counts">;
  readonly nodes: { readonly all: readonly DemonstratedNode[]; find(id: string): DemonstratedNode | null };
  readonly config: Config;
  readonly sockets: Pick<NodeSockets, "admin" | "control">;
  readonly context: CommandContext;
  readonly live: LiveLine;
  readonly report: UpReport;
  /** `q` or Ctrl-C was pressed. */
  readonly quit: () => void;
}

const KEYS = "k kill -9 · z pause · q stop";
const KEYS_EXPLAINED = "Keys: k kills the primary (kill -9), z pauses it (again: lets it go on), q stops everything.";
const CTRL_C = "\u0003";
const LIVE_MS = 100;
const LINE_MS = 1000;
/** Long enough to see that writing goes on without it. */
const RESUME_MS = 2000;

export class Demonstration {
  readonly #options: DemonstrationOptions;
  readonly #clock: Clock;
  #cancelShow: Cancel = () => undefined;
  #cancelResume: Cancel = () => undefined;
  #stopKeys: () => void = () => undefined;
  #looking = false;

  constructor(options: DemonstrationOptions) {
    this.#options = options;
    this.#clock = options.context.clock;
  }

  start(): void {
    const { keyboard } = this.#options.context;
    if (keyboard) {
      this.#options.report.note(KEYS_EXPLAINED);
      this.#stopKeys = keyboard.listen((key) => this.#press(key));
    }
    this.#show();
  }

  /** To be told of each host that begins to serve. */
  served(by: DemonstratedNode): void {
    const paused = this.#options.nodes.all.find((node) => node.paused && node !== by);
    if (!paused) return;
    this.#cancelResume();
    this.#cancelResume = this.#clock.after(RESUME_MS, () => this.#resume(paused));
  }

  stop(): void {
    this.#cancelShow();
    this.#cancelResume();
    this.#stopKeys();
    this.#options.live.end();
  }

  #show(): void {
    const { load, live, report, context } = this.#options;
    const { screen, keyboard } = context;
    if (screen) live.show(`${loadText(load.counts)}${keyboard ? `   ${KEYS}` : ""}`);
    else report.load(load.counts);
    this.#cancelShow = this.#clock.after(screen ? LIVE_MS : LINE_MS, () => this.#show());
  }

  #press(key: string): void {
    if (key === "q" || key === CTRL_C) return this.#options.quit();
    if (key === "k") void this.#withPrimary((node) => this.#kill(node));
    if (key === "z") this.#togglePause();
  }

  #togglePause(): void {
    const paused = this.#options.nodes.all.find((node) => node.paused);
    if (paused) return this.#resume(paused);
    void this.#withPrimary((node) => {
      node.pause();
      this.#tell(node, "is paused (SIGSTOP); z lets it go on");
    });
  }

  #tell({ id }: DemonstratedNode, what: string): void {
    this.#options.report.news({ kind: "news", text: `${id} ${what}` }, id);
  }

  #kill(node: DemonstratedNode): void {
    if (node.kill()) this.#tell(node, "gets kill -9");
  }

  #resume(node: DemonstratedNode): void {
    this.#cancelResume();
    if (!node.paused) return;
    node.resume();
    this.#tell(node, "goes on (SIGCONT)");
  }

  /** One key at a time: the second of two quick ones would hit the successor. */
  async #withPrimary(act: (node: DemonstratedNode) => void): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { config, sockets } = this.#options;
    const { pools } = await clusterStatus(config, { sockets, clock: this.#clock });
    this.#looking = false;
    const primary = pools.find((pool) => pool.primary !== null)?.primary;
    const node = primary && this.#options.nodes.find(primary);
    if (node) act(node);
    else this.#options.report.note("there is no primary at this moment");
  }
}
