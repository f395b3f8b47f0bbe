/**
 * A whole cluster of real processes on this machine, as an operator would start it: the command line, its own ports, its
 * own folder. Every process is ended by its id at the end, whatever became of the test.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../until.ts";
import type { Links } from "./links.ts";
import { freePorts } from "./free-ports.ts";
import { mostResidentKiB, processTree } from "./process-tree.ts";

export const MAIN = join(dirname(fileURLToPath(import.meta.url)), "../../deploy/cli/main.ts");

export interface ClusterShape {
  readonly hosts?: number;
  readonly proxies?: number;
  /** Worker processes of each proxy. */
  readonly workers?: number;
  /** More lines of `hotspare.yaml`. */
  readonly extra?: string;
  /** An application's module; `spaces` if absent. */
  readonly app?: string;
  /** Where nodes run, if not beside one another on loopback. */
  readonly placement?: Placement;
  /** Each node reaches every other one by a link of its own, which the test may cut. */
  readonly links?: Links;
  /** Nodes that the terminal's Ctrl-C does not reach: whoever made them ends them. */
  readonly apart?: boolean;
}

/** Where each node runs, and what is around it: a network of its own, a wall clock of its own. */
export interface Placement {
  /** The address at which other nodes and clients reach it. */
  address(id: string): string;
  /** What its command line begins with. */
  launcher(id: string): readonly string[];
  environment(id: string): Readonly<Record<string, string>>;
}

export const ON_LOOPBACK: Placement = {
  address: () => "127.0.0.1",
  launcher: () => [],
  environment: () => ({}),
};

/** The end of a process that nobody had asked for. */
export interface UnexpectedEnd {
  readonly id: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** What a host says of the pool on its control listener. */
export interface HostReport {
  readonly role: string;
  readonly serving: boolean;
  readonly epoch: number;
  readonly slot: number;
  readonly lsn: number;
  /** Why it is no candidate. */
  readonly unfit: string | null;
}

export interface Ports {
  readonly listen: number;
  /** A proxy: its admin listener. */
  readonly control: number;
}

export interface ProxyPorts extends Ports {
  readonly gossip: number;
}

/** What `/api/v1/status` says, as far as tests look. */
export interface Status {
  readonly pools: readonly {
    readonly id: string;
    readonly state: string;
    readonly epoch: number;
    readonly primary: string | null;
    readonly slot: number | null;
    readonly parked: number;
    readonly standbys: readonly { readonly host: string; readonly slot: number; readonly lagMs: number }[];
  }[];
  readonly hosts: readonly (ClockStatus & { readonly role: string | null; readonly health: string })[];
  readonly proxies: readonly ClockStatus[];
  readonly clockDispute: string | null;
  readonly maintenance: { readonly reason: string } | null;
  /** Of the proxy that answers. */
  readonly workers: { readonly configured: number; readonly serving: number };
}

interface ClockStatus {
  readonly id: string;
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
  readonly quarantined: string | null;
  readonly configProblem: string | null;
}

interface Hint {
  readonly pools: readonly { readonly stateHashes: readonly { readonly slot: number; readonly hash: string }[] }[];
}

const MOST_MARKS = 3;

export class Nodes {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-cluster-"));
  readonly config = join(this.folder, "hotspare.yaml");
  readonly hosts: ReadonlyMap<string, Ports>;
  readonly proxies: ReadonlyMap<string, ProxyPorts>;
  readonly unexpectedEnds: UnexpectedEnd[] = [];
  readonly #running = new Map<string, ChildProcess>();
  /** Those that were told to end. */
  readonly #ending = new Set<ChildProcess>();
  readonly #placement: Placement;
  readonly #links: Links | null;
  readonly #apart: boolean;
  /** Nothing runs on when this process ends before `end`. */
  readonly #onExit = (): void => this.#running.forEach((child) => child.kill("SIGKILL"));

  static async make(shape: ClusterShape = {}): Promise<Nodes> {
    const { hosts = 3, proxies = 1 } = shape;
    const ports = await freePorts((hosts + proxies) * 3);
    const ids = [allot("host-", "abcdef", hosts, ports), allot("proxy-", "123456", proxies, ports)] as const;
    const nodes = new Nodes(...ids, shape);
    writeFileSync(nodes.config, nodes.#yaml(shape));
    await nodes.command("init", "--yes");
    await shape.links?.open(nodes.config);
    return nodes;
  }

  private constructor(
    hosts: ReadonlyMap<string, Ports>,
    proxies: ReadonlyMap<string, ProxyPorts>,
    { placement = ON_LOOPBACK, links, apart = false }: ClusterShape,
  ) {
    this.hosts = hosts;
    this.proxies = proxies;
    this.#placement = placement;
    this.#links = links ?? null;
    this.#apart = apart;
    process.once("exit", this.#onExit);
  }

  /** The configuration as this node has it; commands work with each, and see the cluster as the node does. */
  configOf(id: string): string {
    return this.#links?.configOf(id) ?? this.config;
  }

  /** Starts a host or a proxy; resolves when its process is there, not when it is ready. */
  start(id: string): void {
    const log = openSync(join(this.folder, `${id}.log`), "a");
    const kind = this.hosts.has(id) ? "host" : "proxy";
    const node = [process.execPath, MAIN, kind, "--id", id, "--config", this.configOf(id)];
    const [program = "", ...args] = [...this.#placement.launcher(id), ...node];
    const child = spawn(program, args, {
      stdio: ["ignore", log, log],
      detached: this.#apart,
      env: { ...process.env, NODE_ENV: "production", ...this.#placement.environment(id) },
    });
    closeSync(log);
    child.once("exit", (code, signal) => {
      if (this.#running.get(id) === child && !this.#ending.has(child)) this.unexpectedEnds.push({ id, code, signal });
    });
    this.#running.set(id, child);
  }

  startAll(): void {
    for (const id of [...this.hosts.keys(), ...this.proxies.keys()]) this.start(id);
  }

  /** Sends a signal to a node's process; for SIGKILL and SIGTERM resolves when it has ended. */
  async signal(id: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(id);
    if (!child || child.exitCode !== null || child.signalCode !== null) throw new Error(`${id} does not run`);
    const ends = signal === "SIGKILL" || signal === "SIGTERM";
    if (!ends) return void child.kill(signal);
    this.#ending.add(child);
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
    this.#running.delete(id);
  }

  runs(id: string): boolean {
    const child = this.#running.get(id);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** 0: it does not run. */
  pid(id: string): number {
    return this.#running.get(id)?.pid ?? 0;
  }

  /** What a node's process, and those that it started, have in memory now, and the most that they ever had. */
  memoryMiB(id: string): { readonly now: number; readonly most: number } {
    const tree = processTree(this.pid(id));
    const sum = (kibibytes: readonly number[]): number => kibibytes.reduce((all, one) => all + one, 0) / 1024;
    return { now: sum(tree.map(({ rssKiB }) => rssKiB)), most: sum(tree.map(mostResidentKiB)) };
  }

  url(proxy = "proxy-1"): string {
    return `http://${this.#placement.address(proxy)}:${this.proxies.get(proxy)?.listen}`;
  }

  /** What a host says of itself, on its control listener; `null` if it does not answer within the time. */
  async report(id: string, timeoutMs = 1000): Promise<HostReport | null> {
    const url = `http://${this.#placement.address(id)}:${this.hosts.get(id)?.control}/live`;
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(url, { signal })
      .then((found) => found.json() as Promise<{ pools: readonly HostReport[] }>)
      .catch(() => null);
    return answer?.pools[0] ?? null;
  }

  async status(proxy = "proxy-1"): Promise<Status> {
    const answer = await fetch(`http://127.0.0.1:${this.proxies.get(proxy)?.control}/api/v1/status`);
    return (await answer.json()) as Status;
  }

  /** The host that serves, as the proxy knows; `null` if none does. */
  async primary(proxy = "proxy-1"): Promise<string | null> {
    const pool = (await this.status(proxy).catch(() => null))?.pools[0];
    return pool?.state === "serving" ? pool.primary : null;
  }

  /** Waits until some host serves, and says which. */
  async served(timeoutMs = 60_000): Promise<string> {
    let primary: string | null = null;
    await until(async () => (primary = await this.primary()) !== null, { timeoutMs, everyMs: 50 });
    return primary ?? "";
  }

  /** Runs a command of the command line to its end. @throws if its exit code is not 0. */
  command(...args: string[]): Promise<string> {
    return this.commandIn({}, ...args);
  }

  /** The same, with more in its environment. */
  async commandIn(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
    const { code, out, err } = await this.#run(args, environment);
    if (code !== 0) throw new Error(`hotspare ${args.join(" ")} ended with ${code}: ${err}`);
    return out;
  }

  /** What the command prints, whatever it thinks of that. */
  async output(...args: string[]): Promise<string> {
    return (await this.#run(args)).out;
  }

  async #run(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const child = spawn(process.execPath, [MAIN, ...args, "--config", this.config], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, out, err };
  }

  /** What each host found its state to be at that mark; waits until all have said so. */
  async #stateHashes(slot: number, timeoutMs: number): Promise<readonly string[]> {
    const found = (): string[] => [...this.hosts.keys()].flatMap((id) => this.#hashAt(id, slot) ?? []);
    await until(() => found().length === this.hosts.size, { timeoutMs, everyMs: 50 });
    return found();
  }

  /** The state hash of each host at a fresh mark. A host that still hashes the mark before passes one over, and gets the next. */
  async freshHashes(): Promise<readonly string[]> {
    for (let mark = 1; ; mark += 1) {
      const { slot } = JSON.parse(await this.command("checkpoint", "--json")) as { slot: number };
      try {
        return await this.#stateHashes(slot, 25_000);
      } catch (error) {
        if (mark === MOST_MARKS) throw error;
      }
    }
  }

  #hashAt(id: string, slot: number): string | null {
    try {
      const hint = JSON.parse(readFileSync(join(this.folder, "vault", "hosts", `${id}.json`), "utf8")) as Hint;
      return hint.pools[0]?.stateHashes.find((claim) => claim.slot === slot)?.hash ?? null;
    } catch {
      // Being replaced at this moment.
      return null;
    }
  }

  /** What hosts have written of themselves into the vault, by its names. */
  hints(): readonly string[] {
    return readdirSync(join(this.folder, "vault", "hosts"));
  }

  log(id: string): string {
    return readFileSync(join(this.folder, `${id}.log`), "utf8");
  }

  /** Ends every process and removes the folder; `keep` shows where the logs are instead. */
  async end({ keep = false } = {}): Promise<void> {
    const ended = [...this.#running.values()].map((child) => {
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      this.#ending.add(child);
      child.kill("SIGKILL");
      return exited;
    });
    await Promise.all(ended);
    await this.#links?.close();
    process.off("exit", this.#onExit);
    if (keep) process.stderr.write(`the cluster's folder is kept: ${this.folder}\n`);
    else rmSync(this.folder, { recursive: true, force: true });
  }

  #yaml({ extra = "", app, workers = 1 }: ClusterShape): string {
    const at = (id: string, port: number): string => `"${this.#placement.address(id)}:${port}"`;
    const proxy = ([id, { listen, control, gossip }]: [string, ProxyPorts]): string =>
      `  - { id: ${id}, listen: ${at(id, listen)}, admin: "127.0.0.1:${control}", gossip: ${at(id, gossip)}, workers: ${workers} }`;
    const host = ([id, { listen, control }]: [string, Ports], index: number): string =>
      `  - { id: ${id}, listen: ${at(id, listen)}, control: ${at(id, control)}, data: ./data/${id}, mode: ${index === 0 ? "primary" : "restore"} }`;
    return [
      "cluster: test",
      "secret: { file: cluster.key }",
      "vault: { directory: ./vault }",
      "proxies:",
      ...[...this.proxies].map(proxy),
      "hosts:",
      ...[...this.hosts].map(host),
      ...(app ? ["pools:", `  - { id: main, app: "${app}", routes: [{ path: / }] }`] : []),
      extra,
      "",
    ].join("\n");
  }
}

function allot(prefix: string, names: string, count: number, ports: number[]): Map<string, ProxyPorts> {
  const port = (): number => ports.pop() ?? 0;
  const entries = Array.from(names.slice(0, count), (name): [string, ProxyPorts] => [
    `${prefix}${name}`,
    { listen: port(), control: port(), gossip: port() },
  ]);
  return new Map(entries);
}
