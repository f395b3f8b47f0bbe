/**
 * Writes who was added and removed at run time into a copy of `hotspare.yaml`, so that the file says what holds, also to whoever
 * starts while no decision can be read. Only entries of nodes change: comments, order and style stay.
 */
import { isAlias, isMap, isScalar, isSeq, visit, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import { HotspareError } from "../errors.ts";
import type { Decisions } from "../revisions/decisions.ts";
import { formatAddress, type Config, type HostConfig, type ProxyConfig } from "./config.ts";
import { effectiveConfig } from "./effective-config.ts";
import { loadConfig } from "./load-config.ts";
import { lockConfig } from "./lock-config.ts";
import type { Env } from "./substitute.ts";
import { editConfig } from "./write-config.ts";

/**
 * `false` if the file says it already. May be done by several processes at the same time.
 * @throws {HotspareError} HS_CONFIG_INVALID, HS_CONFIG_LOCKED, HS_CONFIG_UNWRITABLE; the file is then as it was.
 */
export async function writeMembership(file: string, env: Env, decisions: Decisions): Promise<boolean> {
  if (!isBehind(loadConfig(file, env), decisions)) return false;
  const lock = await lockConfig(file);
  try {
    const config = loadConfig(file, env);
    if (!isBehind(config, decisions)) return false;
    const sum = effectiveConfig(config, decisions);
    editConfig(file, env, lock, (document) => editMembership(document, config, sum));
    return true;
  } finally {
    await lock.release();
  }
}

/** Whether the file says something else than what was decided. */
export const isBehind = (file: Config, decisions: Decisions): boolean => effectiveConfig(file, decisions) !== file;

/**
 * Makes the document of `file` have the nodes of `sum`.
 * @throws {HotspareError} HS_CONFIG_UNWRITABLE if what is to change is shared with other places of the file.
 */
export function editMembership(document: Document, file: Config, sum: Config): void {
  const edit = new MembershipEdit(document, file.file);
  edit.list("proxies", file.proxies, sum.proxies, proxyEntry);
  edit.list("hosts", file.hosts, sum.hosts, hostEntry);
  for (const [at, { writtenPreferred }] of file.pools.entries()) {
    const kept = sum.pools[at]?.writtenPreferred ?? [];
    if (writtenPreferred.length > kept.length) edit.preferred(at, writtenPreferred, kept);
  }
}

type Entry = Readonly<Record<string, string | boolean>>;

class MembershipEdit {
  readonly #document: Document;
  readonly #file: string;

  constructor(document: Document, file: string) {
    this.#document = document;
    this.#file = file;
  }

  list<Node extends { readonly id: string }>(
    key: "hosts" | "proxies",
    before: readonly Node[],
    after: readonly Node[],
    entryOf: (node: Node) => Entry,
  ): void {
    const added = after.filter((node) => !before.some(({ id }) => id === node.id));
    const gone = before.map(({ id }) => !after.some((node) => node.id === id));
    if (added.length === 0 && !gone.includes(true)) return;
    const list = this.#list([key]);
    const neighbour = list.items.findLast((item) => isMap(item));
    const flow = neighbour === undefined || neighbour.flow === true;
    this.#delete(list, key, gone);
    for (const node of added) list.add(this.#node(entryOf(node), flow));
  }

  preferred(at: number, before: readonly string[], kept: readonly string[]): void {
    const path = ["pools", at, "preferred"];
    if (kept.length === 0) return void this.#document.deleteIn(path);
    const gone = before.map((id) => !kept.includes(id));
    this.#delete(this.#list(path), `pools[${at}].preferred`, gone);
  }

  #list(path: readonly (string | number)[]): YAMLSeq {
    const found: unknown = this.#document.getIn(path, true);
    if (isSeq(found)) return found.anchor === undefined ? found : this.#refuse(path.join("."), "has an anchor (&)");
    if (found !== undefined && found !== null && !(isScalar(found) && found.value === null))
      return this.#refuse(path.join("."), isAlias(found) ? "is written as an alias (*)" : "is no list");
    const list = this.#document.createNode([]) as YAMLSeq;
    this.#document.setIn(path, list);
    return list;
  }

  #delete(list: YAMLSeq, name: string, gone: readonly boolean[]): void {
    for (const [at, isGone] of [...gone.entries()].toReversed()) {
      if (!isGone) continue;
      this.#requireOwn(list.items[at], `${name}[${at}]`);
      list.delete(at);
    }
  }

  /** What others refer to cannot go. */
  #requireOwn(item: unknown, name: string): void {
    if (isAlias(item)) this.#refuse(name, "is written as an alias (*)");
    visit(item as YAMLMap, {
      Value: (_, { anchor }) => void (anchor !== undefined && this.#refuse(name, "has an anchor (&)")),
    });
  }

  #node(entry: Entry, flow: boolean): YAMLMap {
    const node = this.#document.createNode(entry, { flow }) as YAMLMap;
    if (!flow) return node;
    for (const { value } of node.items)
      if (isScalar(value) && typeof value.value === "string" && /[:$]/.test(value.value)) value.type = "QUOTE_DOUBLE";
    return node;
  }

  #refuse(name: string, why: string): never {
    const reason = `${name} ${why}; write it out, so that nodes can be added and removed`;
    throw new HotspareError("HS_CONFIG_UNWRITABLE", { file: this.#file, reason });
  }
}

function hostEntry({ id, listen, control, advertise, data, mode, candidate, vault }: HostConfig): Entry {
  return {
    id,
    listen: formatAddress(listen),
    control: formatAddress(control),
    ...(formatAddress(advertise) === formatAddress(listen) ? {} : { advertise: formatAddress(advertise) }),
    data: literal(data),
    ...(mode === "restore" ? {} : { mode }),
    ...(candidate ? {} : { candidate }),
    ...(vault === null ? {} : { vault: literal(vault) }),
  };
}

function proxyEntry({ id, listen, admin, advertise, gossip }: ProxyConfig): Entry {
  return {
    id,
    listen: formatAddress(listen),
    ...(formatAddress(advertise) === formatAddress(listen) ? {} : { advertise: formatAddress(advertise) }),
    admin: formatAddress(admin),
    ...(formatAddress(gossip) === formatAddress(admin) ? {} : { gossip: formatAddress(gossip) }),
  };
}

/** No variable of whoever reads the file is meant. */
const literal = (text: string): string => text.replaceAll("${", "$${");
