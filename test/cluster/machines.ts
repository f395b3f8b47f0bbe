/**
 * Machines that share nothing but the vault: each is a folder with its own copy of the configuration, its own secret and the data
 * of its own hosts. The first is set up by hand, each other one joins. Every process is ended by its id at the end.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../until.ts";
import { freePorts } from "./free-ports.ts";
import { MAIN, type Status } from "./nodes.ts";

const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };
const OPERATOR = "ann";

interface Addresses {
  readonly listen: string;
  /** A proxy: its admin listener. */
  readonly control: string;
  readonly gossip: string;
}

export interface Settled {
  readonly proxies: readonly string[];
  readonly standbys: number;
  readonly epoch?: number;
}

export class Machines {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-machines-"));
  readonly #ports: number[];
  readonly #addresses = new Map<string, Addresses>();
  /** Which machine each node is on. */
  readonly #homes = new Map<string, string>();
  readonly #running = new Map<string, ChildProcess>();
  readonly #onExit = (): void => this.#running.forEach((child) => child.kill("SIGKILL"));

  /** One machine with a proxy and a host, as `init` leaves it. */
  static async first(cluster: string, machine: string, extra: readonly string[] = []): Promise<Machines> {
    const machines = new Machines(await freePorts(30));
    const [proxy, host] = [machines.#place("proxy-1", machine), machines.#place("host-a", machine)];
    mkdirSync(join(machines.folder, machine));
    const lines = [
      `cluster: ${cluster}`,
      "secret: { file: cluster.key }",
      "vault: { directory: ../vault }",
      "proxies:",
      `  - { id: proxy-1, listen: "${proxy.listen}", admin: "${proxy.control}", gossip: "${proxy.gossip}" }`,
      "hosts:",
      `  - { id: host-a, listen: "${host.listen}", control: "${host.control}", data: ./data/host-a }`,
      ...extra,
    ];
    writeFileSync(machines.config(machine), `${lines.join("\n")}\n`);
    await machines.command(machine, "init", "--yes");
    return machines;
  }

  private constructor(ports: number[]) {
    this.#ports = ports;
    process.once("exit", this.#onExit);
  }

  config(machine: string): string {
    return join(this.folder, machine, "hotspare.yaml");
  }

  read(machine: string): string {
    return readFileSync(this.config(machine), "utf8");
  }

  dataOf(host: string): string {
    return join(this.folder, this.#home(host), "data", host);
  }

  /** A node joins by an invitation that somebody on another machine made. */
  async join(id: string, machine: string, inviting: string): Promise<void> {
    const { token, address } = JSON.parse(await this.command(inviting, "invite", "--json")) as {
      readonly token: string;
      readonly address: string;
    };
    mkdirSync(join(this.folder, machine), { recursive: true });
    const { listen, control, gossip } = this.#place(id, machine);
    const own = isHost(id) ? ["--control", control] : ["--proxy", "--admin", control, "--gossip", gossip];
    await this.command(machine, "join", address, "--token", token, "--id", id, "--listen", listen, ...own);
  }

  /** Resolves when the process is there, not when it is ready. */
  start(id: string): void {
    const log = openSync(join(this.folder, `${id}.log`), "a");
    const node = [MAIN, isHost(id) ? "host" : "proxy", "--id", id, "--config", this.config(this.#home(id))];
    const child = spawn(process.execPath, node, {
      stdio: ["ignore", log, log],
      env: { ...process.env, NODE_ENV: "production" },
    });
    closeSync(log);
    this.#running.set(id, child);
  }

  async stop(id: string, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#running.get(id);
    if (child === undefined || hasEnded(child)) throw new Error(`${id} does not run`);
    await endOf(child, signal);
    this.#running.delete(id);
  }

  /** Those that were started, were not told to end, and have ended. */
  get endedByThemselves(): readonly string[] {
    return [...this.#running].filter(([, child]) => hasEnded(child)).map(([id]) => id);
  }

  url(proxy: string): string {
    return `http://${this.#addressesOf(proxy).listen}`;
  }

  async status(proxy: string): Promise<Status> {
    const answer = await fetch(`http://${this.#addressesOf(proxy).control}/api/v1/status`);
    return (await answer.json()) as Status;
  }

  /** Waits until these proxies route to one and the same host, and see so many standbys near the head; says which. */
  async settled({ proxies, standbys, epoch = 1 }: Settled): Promise<string> {
    let primary = "";
    await until(async () => {
      const found = await Promise.all(proxies.map((proxy) => this.status(proxy).catch(() => null)));
      const pools = found.map((status) => status?.pools[0]);
      primary = pools[0]?.primary ?? "";
      return pools.every((pool) => {
        if (pool?.state !== "serving" || pool.primary !== primary || pool.epoch < epoch) return false;
        return pool.standbys.filter(({ slot }) => slot >= (pool.slot ?? 0) - 200).length === standbys;
      });
    }, PATIENCE);
    return primary;
  }

  /** Runs a command on a machine, with its configuration. @throws if its exit code is not 0. */
  async command(machine: string, ...args: readonly string[]): Promise<string> {
    const child = spawn(process.execPath, [MAIN, ...args, "--config", this.config(machine)], {
      cwd: join(this.folder, machine),
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOTSPARE_OPERATOR: OPERATOR },
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`hotspare ${args.join(" ")} on ${machine} ended with ${code}: ${err}${out}`);
    return out;
  }

  async json<T>(machine: string, ...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.command(machine, ...args, "--json")) as T;
  }

  /** What these hosts find their state to be at a fresh checkpoint. A host that hashes the one before passes one over. */
  async stateHashes(machine: string, hosts: readonly string[]): Promise<readonly string[]> {
    let found: readonly string[] = [];
    await until(
      async () => {
        const { slot } = await this.json<{ readonly slot: number }>(machine, "checkpoint");
        const complete = (): boolean => (found = hosts.flatMap((id) => this.#hashAt(id, slot))).length === hosts.length;
        return await until(complete, { timeoutMs: 15_000, everyMs: 50 }).then(
          () => true,
          () => false,
        );
      },
      { timeoutMs: 45_000 },
    );
    return found;
  }

  /** Ends every process and removes the folder; `keep` shows where the logs are instead. */
  async end({ keep = false } = {}): Promise<void> {
    await Promise.all(
      [...this.#running.values()].filter((child) => !hasEnded(child)).map((child) => endOf(child, "SIGKILL")),
    );
    process.off("exit", this.#onExit);
    if (keep) process.stderr.write(`the machines' folder is kept: ${this.folder}\n`);
    else rmSync(this.folder, { recursive: true, force: true });
  }

  #hashAt(id: string, slot: number): readonly string[] {
    try {
      const { pools } = JSON.parse(readFileSync(join(this.folder, "vault", "hosts", `${id}.json`), "utf8")) as {
        readonly pools: readonly {
          readonly stateHashes: readonly { readonly slot: number; readonly hash: string }[];
        }[];
      };
      return pools[0]?.stateHashes.filter((claim) => claim.slot === slot).map(({ hash }) => hash) ?? [];
    } catch {
      // Being replaced at this moment.
      return [];
    }
  }

  #place(id: string, machine: string): Addresses {
    const address = (): string => `127.0.0.1:${this.#ports.pop()}`;
    const addresses = { listen: address(), control: address(), gossip: address() };
    this.#addresses.set(id, addresses);
    this.#homes.set(id, machine);
    return addresses;
  }

  #home(id: string): string {
    const machine = this.#homes.get(id);
    if (machine === undefined) throw new Error(`${id} is on no machine`);
    return machine;
  }

  #addressesOf(id: string): Addresses {
    const addresses = this.#addresses.get(id);
    if (addresses === undefined) throw new Error(`${id} is on no machine`);
    return addresses;
  }
}

const isHost = (id: string): boolean => id.startsWith("host-");
const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
