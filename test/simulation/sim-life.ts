/**
 * One life of one process, as its sockets see it: what reaches it waits while it is paused, and is never heard when it has
 * ended. Its objects remain in memory then, as zombies: nothing wakes them, and what they do goes nowhere.
 */
import type { SimEnd } from "./sim-end.ts";
import type { SimListener } from "./sim-listener.ts";

export interface LifeOptions {
  readonly machine: string;
  /** Brings something into the process: at once, or when it goes on. Order does not matter. */
  readonly deliver: (run: () => void) => void;
}

export class SimLife {
  readonly machine: string;
  readonly ends = new Set<SimEnd>();
  readonly listeners = new Set<SimListener>();
  readonly #deliver: LifeOptions["deliver"];
  #hasEnded = false;

  constructor({ machine, deliver }: LifeOptions) {
    this.machine = machine;
    this.#deliver = deliver;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  deliver(run: () => void): void {
    if (this.#hasEnded) return;
    this.#deliver(() => {
      if (!this.#hasEnded) run();
    });
  }

  /** `crash`: the kernel closes what the process leaves. `power`: nobody is left to say anything. */
  end(how: "crash" | "power"): void {
    this.#hasEnded = true;
    for (const listener of this.listeners) listener.close();
    for (const end of this.ends) {
      end.orphan();
      if (how === "crash") end.abort();
      else end.vanish();
    }
  }
}
