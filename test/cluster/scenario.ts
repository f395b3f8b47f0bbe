/**
 * A cluster of real processes under a steady load, of which a test breaks something: writers through each proxy that
 * remember what they were told, and what the vault and the proxies say of takeovers. Detection is fast, so that "nothing
 * happens for so long" is said in few seconds.
 */
import { expect, onTestFinished } from "vitest";
import { until } from "../until.ts";
import { Links } from "./links.ts";
import { Nodes, type ClusterShape } from "./nodes.ts";
import { documentIds, Writers, type Acknowledged, type Failure } from "./writers.ts";

export interface ScenarioShape {
  readonly hosts?: number;
  readonly proxies?: number;
  readonly workers?: number;
  readonly extra?: string;
  readonly app?: string;
  /** Whether single links between nodes are to be cut. */
  readonly links?: boolean;
  /** Missed heartbeats that make a host suspect; many where no host is to fail. */
  readonly failures?: number;
}

/** A takeover, as `hotspare history` tells it. */
export interface Fence {
  readonly epoch: number;
  readonly owner: string;
  readonly isVoid: boolean;
  readonly cause: string;
  readonly orderedBy: string;
  readonly votes: readonly { readonly by: string; readonly verdict: string; readonly standsFor?: string }[];
}

interface Settled {
  readonly proxies?: readonly string[];
  readonly standbys?: number;
  readonly epoch?: number;
}

/** Writers and the space that only they write to. */
interface Crowd {
  readonly space: string;
  readonly writers: Writers;
}

const INTERVAL_MS = 100;
/** Longer than the interval: six processes work on two processors, and an answer that is a little late is no fault here. */
const TIMEOUT_MS = 250;
const FAILURES = 5;
/** After so long without an answer a host is down for the one who asks: missed heartbeats, and the time-out of the last. */
export const DETECTION_MS = FAILURES * INTERVAL_MS + TIMEOUT_MS;
const CLIENTS = 2;
const REST_MS = 20;
const PATIENCE = { timeoutMs: 60_000, everyMs: 20 };

export class Scenario {
  readonly nodes: Nodes;
  readonly links: Links | null;
  readonly hosts: readonly string[];
  readonly proxies: readonly string[];
  readonly #crowds: Crowd[] = [];
  #spaces = 0;

  /** A cluster in which every proxy knows the primary and all standbys are at the head. It ends with the test. */
  static async start({
    links = false,
    failures = FAILURES,
    extra = "",
    ...shape
  }: ScenarioShape = {}): Promise<Scenario> {
    const made = links ? new Links() : null;
    const health = `health: { interval: ${INTERVAL_MS}ms, timeout: ${TIMEOUT_MS}ms, failures: ${failures} }`;
    const gossip = `gossip: { interval: ${INTERVAL_MS}ms }`;
    const cluster: ClusterShape = { hosts: 3, proxies: 3, ...shape, extra: [health, gossip, extra].join("\n") };
    const nodes = await Nodes.make({ ...cluster, ...(made ? { links: made } : {}) });
    onTestFinished(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));
    const scenario = new Scenario(nodes, made);
    nodes.startAll();
    await scenario.settled();
    return scenario;
  }

  private constructor(nodes: Nodes, links: Links | null) {
    this.nodes = nodes;
    this.links = links;
    this.hosts = [...nodes.hosts.keys()];
    this.proxies = [...nodes.proxies.keys()];
  }

  /** These proxies route to one and the same host, in that epoch or a later one, and see so many standbys near the head. */
  async settled({
    proxies = this.proxies,
    standbys = this.hosts.length - 1,
    epoch = 1,
  }: Settled = {}): Promise<string> {
    let primary = "";
    await until(async () => {
      const pools = await Promise.all(proxies.map((proxy) => this.#pool(proxy)));
      primary = pools[0]?.primary ?? "";
      return pools.every((pool) => {
        const near = pool?.standbys.filter(({ slot }) => slot >= (pool.slot ?? 0) - 200) ?? [];
        const serves = pool?.state === "serving" && pool.primary === primary && pool.epoch >= epoch;
        return serves && near.length >= standbys;
      });
    }, PATIENCE);
    return primary;
  }

  /** The epoch of the newest fence that is history. */
  async epoch(): Promise<number> {
    return (await this.fences()).find(({ isVoid }) => !isVoid)?.epoch ?? 0;
  }

  /**
   * Starts writers, in a space of their own, and waits until each has written. With several proxies each request goes to
   * the next one, and to the one after it where it could not connect.
   */
  async write(proxies: readonly string[], { clients = CLIENTS, restMs = REST_MS } = {}): Promise<Writers> {
    const urls = proxies.map((proxy) => this.nodes.url(proxy));
    this.#spaces += 1;
    const space = `load-${this.#spaces}`;
    const headers = { "content-type": "application/json" };
    const made = await fetch(`${urls[0]}/spaces/${space}`, { method: "PUT", body: "{}", headers });
    expect(made.status, await made.text()).toBe(201);
    let turn = 0;
    const url = (): string => urls[turn++ % urls.length] ?? "";
    const writers = new Writers({ url, clients, restMs, space, roams: urls.length > 1 });
    this.#crowds.push({ space, writers });
    await this.more([writers], clients);
    return writers;
  }

  /** Writers through each of these proxies alone. */
  writeEach(proxies: readonly string[] = this.proxies): Promise<readonly Writers[]> {
    return Promise.all(proxies.map((proxy) => this.write([proxy])));
  }

  /** Waits until each of these has written so many more. */
  async more(crowds: readonly Writers[], count = 20): Promise<void> {
    const before = crowds.map(({ acknowledged }) => acknowledged.length);
    await until(
      () => crowds.every(({ acknowledged }, at) => acknowledged.length >= (before[at] ?? 0) + count),
      PATIENCE,
    );
  }

  /** Every fence of the pool, newest first, void ones too. */
  async fences(): Promise<readonly Fence[]> {
    const shown = await this.nodes.command("history", "--json");
    return (JSON.parse(shown) as { readonly fences: readonly Fence[] }).fences;
  }

  async fence(epoch: number): Promise<Fence> {
    const shown = await this.nodes.command("history", "--epoch", String(epoch), "--json");
    const [fence] = (JSON.parse(shown) as { readonly fences: readonly Fence[] }).fences;
    if (fence === undefined) throw new Error(`no fence of epoch ${epoch}`);
    return fence;
  }

  /** Breaks something, waits so long, and looks whether anybody took over meanwhile. @throws if so. */
  async nobodyTakesOver(forMs: number, breaks: () => void = () => undefined): Promise<void> {
    const takeovers = async (): Promise<readonly string[]> =>
      (await this.fences()).map(({ epoch, owner, orderedBy, cause }) => `${epoch}: ${owner}, ${orderedBy}: ${cause}`);
    const before = await takeovers();
    breaks();
    await new Promise((resolve) => setTimeout(resolve, forMs));
    expect(await takeovers()).toEqual(before);
  }

  /** When this proxy switched to the host of that epoch, by its wall clock, as its feed of events tells. */
  async switchedAtMs(proxy: string, epoch: number): Promise<number> {
    const ends = new AbortController();
    const timer = setTimeout(() => ends.abort(new Error(`${proxy} tells of no epoch ${epoch}`)), PATIENCE.timeoutMs);
    const port = this.nodes.proxies.get(proxy)?.control;
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { signal: ends.signal });
    let text = "";
    try {
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString("utf8");
        const found = servedEvents(text).find((event) => event.epoch === epoch);
        if (found) return found.atMs;
      }
    } finally {
      clearTimeout(timer);
      ends.abort();
    }
    throw new Error(`the feed of ${proxy} ended`);
  }

  /** Milliseconds between the first and the last of these proxies that switched to that epoch. */
  async spreadMs(epoch: number, proxies: readonly string[] = this.proxies): Promise<number> {
    const times = await Promise.all(proxies.map((proxy) => this.switchedAtMs(proxy, epoch)));
    return Math.max(...times) - Math.min(...times);
  }

  /** What a counter of this proxy says, over all labels. */
  async counted(proxy: string, counter: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.nodes.proxies.get(proxy)?.control}/metrics`);
    const lines = (await answer.text()).split("\n").filter((line) => line.startsWith(`${counter}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /**
   * Ends all writers and compares what they were told with what is there: every acknowledged write once, and nothing else
   * but what nobody was told the outcome of. @returns every write that was not acknowledged.
   */
  async nothingIsLost(): Promise<readonly Failure[]> {
    await Promise.all(this.#crowds.map(({ writers }) => writers.stop()));
    const failures: Failure[] = [];
    const all: Acknowledged[] = [];
    for (const { space, writers } of this.#crowds) {
      const url = await this.#servedUrl();
      const ids = await documentIds(url, space);
      expect(new Set(ids).size).toBe(ids.length);
      const unknown = new Set(writers.failures.filter(isOpen).map(({ id }) => id));
      const told = writers.acknowledged.map(({ id }) => id).toSorted();
      expect(ids.filter((id) => !unknown.has(id)).toSorted()).toEqual(told);
      failures.push(...writers.failures);
      all.push(...writers.acknowledged);
    }
    expect(new Set(all.map(({ lsn }) => lsn)).size).toBe(all.length);
    return failures;
  }

  get acknowledged(): number {
    return this.#crowds.reduce((sum, { writers }) => sum + writers.acknowledged.length, 0);
  }

  /** One line with the figures of a test. */
  say(line: string): void {
    process.stderr.write(`${line}; ${this.acknowledged} writes acknowledged, none lost\n`);
  }

  async #pool(proxy: string) {
    return (await this.nodes.status(proxy).catch(() => null))?.pools[0] ?? null;
  }

  async #servedUrl(): Promise<string> {
    for (const proxy of this.proxies) if ((await this.nodes.primary(proxy)) !== null) return this.nodes.url(proxy);
    throw new Error("no proxy has a primary");
  }
}

/** Whether it may have taken effect: the connection broke, or the proxy says that it does not know. */
const isOpen = ({ status }: Failure): boolean => status === null || status === 502;

function servedEvents(text: string): readonly { readonly epoch: number; readonly atMs: number }[] {
  // What follows the last empty line may not be whole yet.
  const whole = text.split("\n\n").slice(0, -1);
  return whole.flatMap((event) => {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    const isServed = data !== undefined && /^event: served$/m.test(event);
    return isServed ? [JSON.parse(data) as { epoch: number; atMs: number }] : [];
  });
}
