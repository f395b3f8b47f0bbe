/**
 * Where hosts are reached. A host moves to another address with its own restart, and its proxies hear of it before that: so it is
 * looked for at the new one first, and goes on being used at the former one until it has answered at the new.
 */
import { formatAddress, type Address, type HostConfig } from "../shared/config/config.ts";
import { assert } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";

/** `control`: heartbeats, orders. `advertise`: requests. */
export type AddressKind = "control" | "advertise";

export class HostAddresses {
  readonly #onMoved: () => void;
  /** As they are reached. */
  #hosts: ReadonlyMap<NodeId, HostConfig>;
  #configured: ReadonlyMap<NodeId, HostConfig>;

  /** @param onMoved told when requests are to go elsewhere. */
  constructor(hosts: readonly HostConfig[], onMoved: () => void) {
    this.#onMoved = onMoved;
    this.#hosts = byId(hosts);
    this.#configured = this.#hosts;
  }

  configure(hosts: readonly HostConfig[]): void {
    const before = this.#hosts;
    this.#configured = byId(hosts);
    this.#hosts = byId(
      hosts.map((host) => {
        const { control, advertise } = before.get(host.id) ?? host;
        return { ...host, control, advertise };
      }),
    );
  }

  /** With the addresses at which it is reached; it must be configured. */
  of(id: NodeId): HostConfig {
    const host = this.#hosts.get(id);
    assert(host !== undefined, `host ${id} is configured`);
    return host;
  }

  /** Where it is to be looked for first; `null`: where it is reached already. */
  next(id: NodeId, kind: AddressKind): Address | null {
    const [now, next] = [this.#hosts.get(id)?.[kind], this.#configured.get(id)?.[kind]];
    return now === undefined || next === undefined || formatAddress(now) === formatAddress(next) ? null : next;
  }

  /** It answered at `next`. */
  moved(id: NodeId, kind: AddressKind, next: Address): void {
    const host = this.#hosts.get(id);
    // It may have been given yet another one meanwhile.
    if (host === undefined || this.next(id, kind) !== next) return;
    this.#hosts = new Map(this.#hosts).set(id, { ...host, [kind]: next });
    if (kind === "advertise") this.#onMoved();
  }

  /** Where each host's application is reached. */
  get data(): ReadonlyMap<NodeId, Address> {
    return new Map([...this.#hosts].map(([id, { advertise }]) => [id, advertise]));
  }
}

const byId = (hosts: readonly HostConfig[]): ReadonlyMap<NodeId, HostConfig> =>
  new Map(hosts.map((host) => [host.id, host]));
