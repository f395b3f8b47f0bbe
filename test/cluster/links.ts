/**
 * A network between the nodes of one machine, of which every link can be cut without root. Each node has its own copy of
 * the configuration, where every address of another node is that of a forwarder: one for each pair of nodes and each
 * listener, so that a cut of `from` and `to` is felt by `from` alone when it speaks to `to`. Its own addresses, which it
 * binds to, are the real ones in its copy. The vault and clients need no link.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { Forwarder } from "./forwarder.ts";

interface Entry {
  readonly id: string;
}

interface ProxyEntry extends Entry {
  readonly gossip: string;
}

interface HostEntry extends Entry {
  readonly listen: string;
  readonly control: string;
}

interface ClusterFile {
  readonly proxies: readonly ProxyEntry[];
  readonly hosts: readonly HostEntry[];
}

export class Links {
  readonly #copies = new Map<string, string>();
  /** By the pair of nodes. */
  readonly #forwarders = new Map<string, Forwarder[]>();
  /** Addresses that the nodes are about to bind to. */
  #taken: ReadonlySet<string> = new Set();

  /** Makes each node's copy of the configuration `file`, beside it, and the links that it names. */
  async open(file: string): Promise<void> {
    const text = readFileSync(file, "utf8");
    const cluster = parse(text) as ClusterFile;
    this.#taken = new Set(text.match(/127\.0\.0\.1:\d+/g));
    for (const { id } of [...cluster.proxies, ...cluster.hosts]) {
      const copy = file.replace(/\.yaml$/, `.${id}.yaml`);
      writeFileSync(copy, stringify(await this.#seenBy(id, cluster)));
      this.#copies.set(id, copy);
    }
  }

  configOf(id: string): string {
    const copy = this.#copies.get(id);
    if (copy === undefined) throw new Error(`there is no link to or from ${id}`);
    return copy;
  }

  /** Silence between each of `some` and each of `others`, whoever speaks first. */
  cut(some: readonly string[], others: readonly string[]): void {
    for (const forwarder of this.#between(some, others)) forwarder.cut();
  }

  /** Breaks what connections there are; new ones may be made at once. */
  reset(some: readonly string[], others: readonly string[]): void {
    for (const forwarder of this.#between(some, others)) forwarder.reset();
  }

  heal(): void {
    for (const forwarder of [...this.#forwarders.values()].flat()) forwarder.heal();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#forwarders.values()].flat().map((forwarder) => forwarder.close()));
    this.#forwarders.clear();
  }

  #between(some: readonly string[], others: readonly string[]): readonly Forwarder[] {
    const pairs = some.flatMap((one) => others.flatMap((other) => [pair(one, other), pair(other, one)]));
    return pairs.flatMap((name) => {
      const found = this.#forwarders.get(name);
      if (found === undefined) throw new Error(`there is no link ${name}`);
      return found;
    });
  }

  async #seenBy(from: string, { proxies, hosts, ...rest }: ClusterFile): Promise<ClusterFile> {
    const proxy = async (entry: ProxyEntry): Promise<ProxyEntry> =>
      entry.id === from ? entry : { ...entry, gossip: await this.#link(from, entry.id, entry.gossip) };
    const host = async (entry: HostEntry): Promise<HostEntry & { readonly advertise?: string }> => {
      if (entry.id === from) return entry;
      const advertise = await this.#link(from, entry.id, entry.listen);
      return { ...entry, advertise, control: await this.#link(from, entry.id, entry.control) };
    };
    return { ...rest, proxies: await Promise.all(proxies.map(proxy)), hosts: await Promise.all(hosts.map(host)) };
  }

  async #link(from: string, to: string, address: string): Promise<string> {
    const [host = "", port] = address.split(":");
    const forwarder = await Forwarder.open({ host, port: Number(port) });
    if (this.#taken.has(forwarder.address)) {
      // Held until the next one is open, which so has another port.
      const other = await this.#link(from, to, address);
      await forwarder.close();
      return other;
    }
    const name = pair(from, to);
    this.#forwarders.set(name, [...(this.#forwarders.get(name) ?? []), forwarder]);
    return forwarder.address;
  }
}

const pair = (from: string, to: string): string => `from ${from} to ${to}`;
