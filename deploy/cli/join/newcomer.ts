/** The node that a machine is to be, as the command line says it, and the cluster's configuration with it. */
import { dirname, resolve } from "node:path";
import type { Config, HostConfig } from "../../../shared/config/config.ts";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { registeredNode, type RegisteredNode } from "../../../shared/config/registered-node.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, type NodeId } from "../../../shared/ids.ts";
import type { Decisions } from "../../../shared/revisions/decisions.ts";
import type { NodeRegistration } from "../../../shared/revisions/node-registration.ts";

export interface NewcomerOptions {
  readonly id: string;
  readonly listen: string;
  readonly advertise?: string;
  readonly proxy?: true;
  readonly control?: string;
  readonly data?: string;
  readonly vault?: string;
  /** Commander's `--no-candidate`. */
  readonly candidate: boolean;
  readonly admin?: string;
  readonly gossip?: string;
}

export class Newcomer {
  readonly id: NodeId;
  readonly registration: NodeRegistration;
  readonly #node: RegisteredNode;

  /**
   * @param file where its configuration will be.
   * @throws {HotspareError} HS_USAGE, HS_ID_INVALID.
   */
  constructor(options: NewcomerOptions, file: string) {
    this.id = parseNodeId(options.id);
    this.registration = options.proxy ? proxyOf(options) : hostOf(options, file);
    const node = registeredNode(this.registration, file);
    if (node === null) throw misused("an address is not right: accepted is host:port, such as 10.0.0.4:7100");
    const vault = options.vault === undefined ? null : resolve(options.vault);
    this.#node = node.kind === "host" ? { ...node, host: { ...node.host, vault } } : node;
  }

  /** `null`: a proxy, which needs no vault. */
  get host(): HostConfig | null {
    return this.#node.kind === "host" ? this.#node.host : null;
  }

  /**
   * What holds with it: the file, what was decided, and this node last. As a draft: nobody has looked whether it fits.
   * @throws {HotspareError} HS_DECISION_REFUSED if there is a node of that name already, and it is another one.
   */
  draft(file: Config, decisions: Decisions): Config {
    const sum = effectiveConfig(file, decisions);
    if (this.#isIn(sum)) return this.#inPlace(sum);
    return this.#node.kind === "host"
      ? { ...sum, hosts: [...sum.hosts, this.#node.host] }
      : { ...sum, proxies: [...sum.proxies, this.#node.proxy] };
  }

  #isIn({ hosts, proxies }: Config): boolean {
    const known = [...hosts, ...proxies].find(({ id }) => id === this.id);
    if (known === undefined) return false;
    const own = this.#node.kind === "host" ? this.#node.host : this.#node.proxy;
    const addresses = ["listen", "advertise", "control", "admin", "gossip"] as const;
    const same = addresses.every((key) => JSON.stringify(valueOf(known, key)) === JSON.stringify(valueOf(own, key)));
    if (same) return true;
    const reason = `there is a node ${this.id} already, with other addresses; choose another id, or remove that node first`;
    throw new HotspareError("HS_DECISION_REFUSED", { reason });
  }

  /** The paths are this machine's. */
  #inPlace(sum: Config): Config {
    const own = this.host;
    if (own === null) return sum;
    const { data, vault } = own;
    return { ...sum, hosts: sum.hosts.map((host) => (host.id === this.id ? { ...host, data, vault } : host)) };
  }
}

function hostOf(options: NewcomerOptions, file: string): NodeRegistration {
  const { id, listen, advertise = listen, control, candidate, data = `data/${id}` } = options;
  if (control === undefined) throw misused("join needs --control: where other nodes reach this host");
  if ((options.admin ?? options.gossip) !== undefined) throw misused("--admin and --gossip are for --proxy");
  return { kind: "host", id, listen, control, advertise, data: resolve(dirname(file), data), candidate };
}

function proxyOf(options: NewcomerOptions): NodeRegistration {
  const { id, listen, advertise = listen, admin, gossip = admin } = options;
  if (admin === undefined || gossip === undefined) throw misused("join --proxy needs --admin");
  const ofHosts = options.control ?? options.data ?? options.vault;
  if (ofHosts !== undefined || !options.candidate)
    throw misused("--control, --data, --vault and --no-candidate are for hosts");
  return { kind: "proxy", id, listen, admin, advertise, gossip };
}

const valueOf = (node: object, key: string): unknown => (node as Readonly<Record<string, unknown>>)[key];

const misused = (reason: string): HotspareError => new HotspareError("HS_USAGE", { reason });
