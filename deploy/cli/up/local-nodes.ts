/**
 * All processes of a cluster on this machine. Started at once; stopped in order: proxies first, which accept no more and
 * let their requests end while hosts still answer them, then hosts.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { Env } from "../../../shared/config/substitute.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import { LocalNode, type NodeEnd } from "./local-node.ts";
import { newsOf, type News } from "./node-news.ts";

export interface LocalNodesOptions {
  readonly config: Config;
  /** Where the logs are, one for each node. Made if it is not there. */
  readonly logs: string;
  readonly program: readonly [node: string, main: string];
  readonly env: Env;
  readonly clock: Clock;
  readonly news: (news: News, node: LocalNode) => void;
  /** A node that cannot run, however often it is tried. */
  readonly failed: (error: HotspareError) => void;
}

/** A little longer than a proxy gives its requests, and a host its own. */
const STOP_WAIT_MS = 15_000;
/** What several nodes see is told by the first of them. */
const SAME_NEWS_MS = 5000;

export class LocalNodes {
  readonly #options: LocalNodesOptions;
  readonly #proxies: readonly LocalNode[];
  readonly #hosts: readonly LocalNode[];
  /** News of the last seconds, and when they were told. */
  readonly #told = new Map<string, number>();
  /** The newest epoch that was told of a pool. */
  readonly #epochs = new Map<string, number>();
  #stopped: Promise<void> | null = null;

  /** @throws {HotspareError} HS_DATA_UNSUITABLE if the logs cannot be written. */
  constructor(options: LocalNodesOptions) {
    this.#options = options;
    const { logs: directory, config } = options;
    try {
      mkdirSync(directory, { recursive: true });
      this.#proxies = config.proxies.map(({ id }) => this.#node(id, "proxy"));
      this.#hosts = config.hosts.map(({ id }) => this.#node(id, "host"));
    } catch (cause) {
      throw new HotspareError("HS_DATA_UNSUITABLE", { directory, reason: reasonOf(cause) }, { cause });
    }
  }

  /** Hosts and proxies. */
  get all(): readonly LocalNode[] {
    return [...this.#hosts, ...this.#proxies];
  }

  find(id: string): LocalNode | null {
    return this.all.find((node) => node.id === id) ?? null;
  }

  start(): void {
    for (const node of this.all) node.start();
  }

  /** Resolves when no process is left. Bounded. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** SIGKILL for all, for who cannot wait; `stop` then ends at once. */
  kill(): void {
    for (const node of this.all) node.end();
  }

  async #stop(): Promise<void> {
    // Whoever is paused would keep its proxy's requests waiting.
    for (const node of this.all) node.resume();
    await Promise.all(this.#proxies.map((node) => node.stop(STOP_WAIT_MS)));
    await Promise.all(this.#hosts.map((node) => node.stop(STOP_WAIT_MS)));
  }

  #node(id: string, kind: "host" | "proxy"): LocalNode {
    const { config, logs, program, env, clock } = this.#options;
    const node: LocalNode = new LocalNode({
      id,
      kind,
      config: config.file,
      log: join(logs, `${id}.log`),
      program,
      env,
      clock,
      line: (line) => {
        const news = newsOf(line, id);
        if (news) this.#tell(news, node);
      },
      ended: (end) => this.#noteEnd(node, end),
    });
    return node;
  }

  #noteEnd(node: LocalNode, { how, restartMs }: NodeEnd): void {
    if (restartMs !== null) {
      const text = `${node.id} ${how}; it is started again in ${restartMs / 1000} s`;
      return this.#options.news({ kind: "trouble", text }, node);
    }
    this.#options.failed(new HotspareError("HS_NODE_ENDED", { node: node.id, reason: `it ${how}`, file: node.log }));
  }

  #tell(news: News, node: LocalNode): void {
    if (!this.#isOld(news)) this.#options.news(news, node);
  }

  #isOld({ text, epoch }: News): boolean {
    if (epoch) {
      const told = this.#epochs.get(epoch.of) ?? 0;
      this.#epochs.set(epoch.of, Math.max(told, epoch.number));
      return epoch.number <= told;
    }
    const nowMs = this.#options.clock.monotonicMs();
    for (const [other, toldMs] of this.#told) if (nowMs - toldMs > SAME_NEWS_MS) this.#told.delete(other);
    const old = this.#told.has(text);
    if (!old) this.#told.set(text, nowMs);
    return old;
  }
}
