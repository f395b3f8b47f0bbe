/**
 * A network in memory, for `node:http` and everything above it: machines, the addresses that they bind, and connections
 * that behave as TCP's do when links are cut and processes die. It has no time and no chance of its own: the same
 * schedule and the same dice give the same run. What it leaves out: slow start, and time-outs of sockets.
 */
import type { Socket } from "node:net";
import { formatAddress, type Address } from "../../shared/config/config.ts";
import { type BoundServer, portTaken } from "../../shared/sockets.ts";
import { SimDial } from "./sim-dial.ts";
import { SimEnd } from "./sim-end.ts";
import type { SimLife } from "./sim-life.ts";
import { SimListener } from "./sim-listener.ts";
import { NetMachine, type MachineOptions } from "./net-machine.ts";
import { SimSocket } from "./sim-socket.ts";
import { SimWire, type WireOptions } from "./sim-wire.ts";

const FIRST_FREE_PORT = 49_152;
const WILDCARD = /^(?:0\.0\.0\.0|::|)$/;
const LOOPBACK = /^(?:localhost|127\.|::1$)/;

export class SimNet {
  readonly #wire: SimWire;
  readonly #machines = new Map<string, NetMachine>();
  readonly #listeners = new Map<string, SimListener>();
  /** By bound place: the machine that had it last, which refuses when nobody listens. */
  readonly #homes = new Map<string, string>();
  #freePort = FIRST_FREE_PORT;

  constructor(options: WireOptions) {
    this.#wire = new SimWire(options);
  }

  /** The one of this name; made when it is first asked for, and only then with `options`. */
  machine(id: string, options: MachineOptions = {}): NetMachine {
    const known = this.#machines.get(id);
    if (known) return known;
    const machine = new NetMachine(id, this.#forMachines(), options);
    this.#machines.set(id, machine);
    return machine;
  }

  /** As a middlebox that forgets: connections between the two are reset at both sides. */
  reset(one: string, other: string): void {
    this.#machines.get(one)?.resetTo(other);
  }

  /** At the end of a run: everything that lives on it ends without a word, and its memory is free. */
  close(): void {
    for (const machine of this.#machines.values()) machine.close();
  }

  #forMachines(): ConstructorParameters<typeof NetMachine>[1] {
    return {
      wire: this.#wire,
      listen: (life, server, address, what) => this.#listen(life, server, address, what),
      dial: (life, address) => this.#dial(life, address),
    };
  }

  async #listen(life: SimLife, server: BoundServer, { host, port }: Address, what: string): Promise<Address> {
    if (life.hasEnded) return new Promise<never>(() => undefined);
    const address = { host, port: port === 0 ? this.#freePort++ : port };
    const place = this.#place(life.machine, address);
    if (this.#listeners.has(place)) throw portTaken(address, what, new Error("listen EADDRINUSE"));
    const unbind = (): void => void this.#listeners.delete(place);
    const listener = new SimListener({ wire: this.#wire, life, server, address, unbind });
    this.#listeners.set(place, listener);
    this.#homes.set(place, life.machine);
    listener.open();
    return address;
  }

  #dial(life: SimLife, remote: Address): Socket {
    const local = { host: this.#machines.get(life.machine)?.host ?? "127.0.0.1", port: this.#freePort++ };
    const end = new SimEnd(this.#wire, life);
    const socket = new SimSocket({ end, local, remote, isDialling: true });
    const place = this.#place(life.machine, remote);
    const to = this.#homes.get(place) ?? this.#machineOf(remote.host) ?? life.machine;
    const find = (): SimListener | null => this.#listeners.get(place) ?? null;
    if (!life.hasEnded) new SimDial({ wire: this.#wire, socket, end, local, to, find }).start();
    return socket as unknown as Socket;
  }

  /** What an address means on a machine, as a key. */
  #place(machine: string, address: Address): string {
    const own = this.#machines.get(machine)?.host ?? null;
    if (own === null) return formatAddress(address);
    if (WILDCARD.test(address.host)) return formatAddress({ host: own, port: address.port });
    return LOOPBACK.test(address.host) ? `${machine} ${formatAddress(address)}` : formatAddress(address);
  }

  #machineOf(host: string): string | null {
    for (const machine of this.#machines.values()) if (machine.host === host) return machine.id;
    return null;
  }
}
