/** Connections to hosts that wait for a request, the one used last first. Bounded in number and in how long they wait. */
import type { Cancel, Clock } from "../../shared/clock.ts";
import type { Address } from "../../shared/config/config.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { UpstreamConnection, type ConnectionHome } from "./upstream-connection.ts";

/** For one host. */
const MOST_IDLE = 256;
/** Well below what servers wait: a request must not meet a connection that its host is just closing. */
const IDLE_MS = 20_000;
const SWEEP_MS = 5000;
/** The kernel asks now and then whether the other side is still there. */
const PROBE_MS = 1000;

export class UpstreamPool {
  readonly #sockets: Sockets;
  readonly #clock: Clock;
  /** By the address as an object: the configuration has one for each host, and this is asked for every request. */
  readonly #homes = new Map<Address, Home>();
  #sweep: Cancel | null = null;

  constructor(sockets: Sockets, clock: Clock) {
    this.#sockets = sockets;
    this.#clock = clock;
  }

  /** A connection to `address`; `fresh`: none that stood before, since it may be as dead as the last one. */
  take(address: Address, connection: "kept" | "fresh"): UpstreamConnection {
    const home = this.#homeOf(address);
    const kept = connection === "kept" ? home.pop() : null;
    if (kept !== null) return kept;
    const socket = this.#sockets.dial(address);
    socket.setKeepAlive(true, PROBE_MS);
    return new UpstreamConnection(socket, home);
  }

  /** Connections to any other address are not kept any more: those that wait are closed, the others when they are free. */
  keep(addresses: ReadonlySet<Address>): void {
    for (const [address, home] of this.#homes) {
      if (addresses.has(address)) continue;
      home.leave();
      this.#homes.delete(address);
    }
  }

  /** Closes every connection that waits unused. */
  close(): void {
    this.#sweep?.();
    this.#sweep = null;
    for (const home of this.#homes.values()) home.closeOlderThan(Number.POSITIVE_INFINITY);
  }

  #homeOf(address: Address): Home {
    const known = this.#homes.get(address);
    if (known !== undefined) return known;
    const home = new Home(() => this.#arm());
    this.#homes.set(address, home);
    return home;
  }

  /** Connections are marked at each sweep instead of being given a time each. */
  #arm(): void {
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => {
      this.#sweep = null;
      let left = 0;
      for (const home of this.#homes.values()) left += home.sweep(IDLE_MS / SWEEP_MS);
      if (left > 0) this.#arm();
    });
  }
}

class Home implements ConnectionHome {
  readonly #used: () => void;
  /** The one used last is the last one. */
  readonly #idle: { readonly connection: UpstreamConnection; readonly round: number }[] = [];
  #round = 0;
  #isLeft = false;

  constructor(used: () => void) {
    this.#used = used;
  }

  pop(): UpstreamConnection | null {
    return this.#idle.pop()?.connection ?? null;
  }

  idle(connection: UpstreamConnection): void {
    if (this.#isLeft || this.#idle.length >= MOST_IDLE) return connection.abort();
    this.#idle.push({ connection, round: this.#round });
    this.#used();
  }

  gone(connection: UpstreamConnection): void {
    const index = this.#idle.findLastIndex((kept) => kept.connection === connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  leave(): void {
    this.#isLeft = true;
    this.closeOlderThan(Number.POSITIVE_INFINITY);
  }

  /** Closes what has waited for `rounds` sweeps; returns how many are left. */
  sweep(rounds: number): number {
    this.#round += 1;
    this.closeOlderThan(this.#round - rounds);
    return this.#idle.length;
  }

  closeOlderThan(round: number): void {
    const young = this.#idle.findIndex((kept) => kept.round >= round);
    for (const { connection } of this.#idle.splice(0, young < 0 ? this.#idle.length : young)) connection.abort();
  }
}
