/**
 * A cluster of real processes under load whose vault lies where a test wants it, and the check that every fault ends with:
 * what was acknowledged is there once, what was refused is not, all hosts have the same state, one of them serves, and
 * the journal verifies.
 */
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { Nodes, type ClusterShape } from "../cluster/nodes.ts";
import { documentIds } from "../cluster/writers.ts";
import { until } from "../until.ts";
import { Clients } from "./clients.ts";
import { Injection, type InjectionOptions } from "./injection.ts";
import type { Mount } from "./mount.ts";
import { processOf, threadsOf } from "./node-process.ts";
import { shellCommand } from "./shell-command.ts";

export interface FaultedShape extends ClusterShape {
  /** Mounts what the vault shall lie on. Default: the folder that it is. */
  readonly disk?: (point: string) => Promise<Mount>;
}

export interface Load {
  readonly clients?: number;
  /** Characters in each document. */
  readonly size?: number;
  /** How long each client rests after an answer. */
  readonly restMs?: number;
}

type ThreadFault = Omit<InjectionOptions, "thread">;

export const PATIENCE_MS = 60_000;
const SPACE = "load";
/** Slots that a standby under load may be behind and still count as following. */
const NEAR = 200;

export class FaultedCluster {
  readonly nodes: Nodes;
  readonly vault: string;
  #clients: Clients | null = null;

  /** Makes a cluster that ends with the test that asked for it; nothing of it runs yet. */
  static async make({ disk, ...shape }: FaultedShape = {}): Promise<FaultedCluster> {
    const nodes = await Nodes.make(shape);
    onTestFinished(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));
    const cluster = new FaultedCluster(nodes);
    if (disk) await cluster.#moveVault(disk);
    return cluster;
  }

  private constructor(nodes: Nodes) {
    this.nodes = nodes;
    this.vault = join(nodes.folder, "vault");
  }

  get clients(): Clients {
    if (!this.#clients) throw new Error("there is no load yet");
    return this.#clients;
  }

  /** Lets `host` see the vault at another mount point. Before it starts. */
  mountFor(host: string, point: string): void {
    const text = readFileSync(this.nodes.config, "utf8");
    const data = `data: ./data/${host},`;
    if (!text.includes(data)) throw new Error(`${host} is none of this cluster`);
    writeFileSync(this.nodes.config, text.replace(data, `${data} vault: "${point}",`));
  }

  /** Starts all nodes and the load; resolves when each client was answered and every standby has something. */
  async begin({ clients = 4, size = 64, restMs = 0 }: Load = {}): Promise<Clients> {
    this.nodes.startAll();
    await this.nodes.served();
    const url = this.nodes.url();
    const headers = { "content-type": "application/json" };
    const made = await fetch(`${url}/spaces/${SPACE}`, { method: "PUT", body: "{}", headers });
    expect(made.status, await made.text()).toBe(201);
    for (const host of this.nodes.hosts.keys()) await this.readsLocally(host);
    await this.follow();
    this.#clients = new Clients({ url: () => url, clients, space: SPACE, size, restMs });
    await this.progress(clients);
    return this.#clients;
  }

  /** So many more writes are acknowledged from now on. */
  async progress(writes = 20): Promise<void> {
    const before = this.clients.acknowledged.length;
    await until(() => this.clients.acknowledged.length >= before + writes, { timeoutMs: PATIENCE_MS });
  }

  /** So many other hosts are standbys, at the head; all by default. */
  async follow(standbys = this.nodes.hosts.size - 1): Promise<void> {
    const there = async (): Promise<boolean> => {
      const pool = (await this.nodes.status().catch(() => null))?.pools[0];
      const near = pool?.standbys.filter(({ slot }) => pool.slot !== null && slot >= pool.slot - NEAR) ?? [];
      return pool?.state === "serving" && near.length >= standbys;
    };
    await until(there, { timeoutMs: PATIENCE_MS, everyMs: 50 });
  }

  /** Some host other than these serves; which. */
  async servedByOther(...others: readonly string[]): Promise<string> {
    let primary: string | null = null;
    const there = async (): Promise<boolean> => {
      primary = await this.nodes.primary();
      return primary !== null && !others.includes(primary);
    };
    await until(there, { timeoutMs: PATIENCE_MS, everyMs: 20 });
    return primary ?? "";
  }

  /** Resolves when `id` has ended by itself. */
  async ended(id: string): Promise<void> {
    await until(() => !this.nodes.runs(id), { timeoutMs: PATIENCE_MS });
  }

  /** Puts faults into the calls of a node's thread of that name, until the test ends at the latest. */
  async inject(id: string, thread: string, fault: ThreadFault): Promise<Injection> {
    const [found] = threadsOf(processOf(this.nodes.config, id), thread);
    if (found === undefined) throw new Error(`${id} has no thread ${thread}`);
    const injection = await Injection.into({ ...fault, thread: found });
    onTestFinished(() => injection.end());
    return injection;
  }

  /** The lines of a node's log with that message, as JSON. */
  said(id: string, message: string): readonly Record<string, unknown>[] {
    const lines = this.nodes.log(id).split("\n");
    return lines.filter((line) => line.includes(`"msg":"${message}"`)).map((line) => JSON.parse(line) as never);
  }

  /** How many takeovers proxies have ordered. */
  get orders(): number {
    const logs = [...this.nodes.proxies.keys()].map((id) => this.nodes.log(id));
    return logs.join("").split('"event":"ordered"').length - 1;
  }

  /** What `GET /<probe>` says on a host's control address. */
  async probe(
    id: string,
    probe: "live" | "ready" | "primary",
  ): Promise<{ readonly status: number; readonly reason: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.nodes.hosts.get(id)?.control}/${probe}`);
    const { reason } = (await answer.json()) as { reason: string | null };
    return { status: answer.status, reason: reason ?? "" };
  }

  /** The value of one of a host's metrics that has no labels. */
  async metric(id: string, name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.nodes.hosts.get(id)?.control}/metrics`);
    return Number(new RegExp(`^${name} (.*)$`, "m").exec(await answer.text())?.[1]);
  }

  /** Resolves when a host's own look at the vault is good, or bad. */
  async seesVault(id: string, how: "good" | "bad"): Promise<void> {
    const wanted = how === "good" ? 1 : 0;
    await until(async () => (await this.metric(id, "hotspare_vault_probe_ok")) === wanted, {
      timeoutMs: PATIENCE_MS,
      everyMs: 50,
    });
  }

  /** A host answers a local read, whatever becomes of the vault. */
  async readsLocally(id: string): Promise<void> {
    const url = `http://127.0.0.1:${this.nodes.hosts.get(id)?.listen}/spaces/${SPACE}`;
    const headers = { "hotspare-consistency": "local", connection: "close" };
    const status = async (): Promise<number> => {
      const answer = await fetch(url, { headers });
      await answer.arrayBuffer();
      return answer.status;
    };
    await until(async () => (await status().catch(() => 0)) === 200, { timeoutMs: PATIENCE_MS, everyMs: 20 });
  }

  /** Kills a host and starts it again, as an operator would. */
  async restart(id: string): Promise<void> {
    await this.nodes.signal(id, "SIGKILL");
    this.nodes.start(id);
  }

  /** Stops the load and checks every word that was said. All hosts run and follow, or will. */
  async check(): Promise<void> {
    await this.clients.stop();
    await this.checkWritten();
    await this.#checkOnePrimary();
    await this.#checkSameState();
    await this.nodes.command("vault", "verify");
  }

  /** Ids of what is there now, as the cluster says. */
  documents(): Promise<readonly string[]> {
    return documentIds(this.nodes.url(), SPACE);
  }

  async checkWritten(): Promise<void> {
    const { acknowledged, refused, unknown, unexpected } = this.clients;
    expect(unexpected).toEqual([]);
    const found = await this.documents();
    const there = new Set(found);
    expect(there.size, "each document once").toBe(found.length);
    expect(
      acknowledged.filter(({ id }) => !there.has(id)).map(({ id }) => id),
      "lost",
    ).toEqual([]);
    expect(
      refused.filter(({ id }) => there.has(id)),
      "refused, and yet there",
    ).toEqual([]);
    const known = new Set([...acknowledged.map(({ id }) => id), ...unknown]);
    expect(
      found.filter((id) => !known.has(id)),
      "written by nobody",
    ).toEqual([]);
    expect(new Set(acknowledged.map(({ lsn }) => lsn)).size, "an LSN for each").toBe(acknowledged.length);
  }

  async #checkOnePrimary(): Promise<void> {
    await this.follow();
    const serving: string[] = [];
    for (const id of this.nodes.hosts.keys()) {
      if ((await this.probe(id, "primary")).status === 200) serving.push(id);
    }
    expect(serving).toEqual([await this.nodes.primary()]);
  }

  async #checkSameState(): Promise<void> {
    expect(new Set(await this.nodes.freshHashes()).size).toBe(1);
  }

  /** What `init` made goes along; an empty folder is left under the mount. */
  async #moveVault(disk: (point: string) => Promise<Mount>): Promise<void> {
    const made = `${this.vault}.made`;
    renameSync(this.vault, made);
    mkdirSync(this.vault);
    const mount = await disk(this.vault);
    onTestFinished(() => mount.end());
    cpSync(made, this.vault, { recursive: true });
    // As durable as `init` had made it.
    await shellCommand("sync", "--file-system", this.vault);
  }
}
