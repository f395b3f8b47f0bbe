/**
 * A machine of the simulated network, with one process at a time on it. It can be killed, lose its power, and be paused;
 * each has on other machines the effect that the real thing has.
 */
import type { Socket } from "node:net";
import type { Address } from "../../shared/config/config.ts";
import type { BoundServer, Sockets } from "../../shared/sockets.ts";
import { SimLife } from "./sim-life.ts";
import type { SimWire } from "./sim-wire.ts";

export interface MachineOptions {
  /**
   * The address that others reach it by. With one, loopback is this machine's own and wildcards are this address; without,
   * every address is anybody's who binds it.
   */
  readonly host?: string;
  /** Brings something into its process, when that goes on; instead of `pause` and `resume` here. Order does not matter. */
  readonly deliver?: (run: () => void) => void;
}

/** What a machine needs of the network. */
export interface MachineNet {
  readonly wire: SimWire;
  listen(life: SimLife, server: BoundServer, address: Address, what: string): Promise<Address>;
  dial(life: SimLife, address: Address): Socket;
}

export class NetMachine {
  readonly id: string;
  readonly host: string | null;
  readonly #net: MachineNet;
  readonly #deliver: (run: () => void) => void;
  readonly #waiting: (() => void)[] = [];
  #isPaused = false;
  #isDraining = false;
  #life: SimLife;

  constructor(id: string, net: MachineNet, { host, deliver }: MachineOptions) {
    this.id = id;
    this.host = host ?? null;
    this.#net = net;
    this.#deliver = deliver ?? ((run) => this.#hand(run));
    this.#life = this.#newLife();
  }

  /** Of the process that lives now: after its end they do nothing, and say nothing. */
  sockets(): Sockets {
    const life = this.#life;
    return {
      listen: (server, address, what) => this.#net.listen(life, server, address, what),
      dial: (address) => this.#net.dial(life, address),
    };
  }

  /** SIGKILL: nobody listens any more, and others are sent a reset. The next `sockets` are the next process's. */
  crash(): void {
    this.#end("crash");
  }

  /** Others hear nothing at all, until `restorePower` answers what they send with a reset. */
  cutPower(): void {
    this.#net.wire.setPower(this.id, false);
    this.#end("power");
  }

  restorePower(): void {
    this.#net.wire.setPower(this.id, true);
  }

  /** SIGSTOP: its kernel goes on. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#drainLater();
  }

  /** The simulation is over: lets go of what Node would keep. */
  close(): void {
    this.#end("power");
  }

  /** Breaks every connection to the other machine: both sides find theirs reset. */
  resetTo(other: string): void {
    for (const end of this.#life.ends) end.cutFrom(other);
  }

  #end(how: "crash" | "power"): void {
    this.#life.end(how);
    this.#waiting.length = 0;
    this.#isPaused = false;
    this.#life = this.#newLife();
  }

  #newLife(): SimLife {
    return new SimLife({ machine: this.id, deliver: this.#deliver });
  }

  #hand(run: () => void): void {
    if (!this.#isPaused && this.#waiting.length === 0) return run();
    this.#waiting.push(run);
  }

  /** One at a time, so that each is an entry of its own. */
  #drainLater(): void {
    if (this.#isDraining || this.#waiting.length === 0) return;
    this.#isDraining = true;
    this.#net.wire.after(0, () => {
      this.#isDraining = false;
      if (this.#isPaused) return;
      this.#waiting.shift()?.();
      this.#drainLater();
    });
  }
}
