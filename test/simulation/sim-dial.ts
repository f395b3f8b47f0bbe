/**
 * How a connection comes about: SYN, and what comes back. A link that drops it is asked again at growing intervals; a
 * machine where nobody listens refuses. The other side's kernel accepts before its process knows.
 */
import type { Address } from "../../shared/config/config.ts";
import { unreachable } from "../../shared/errors.ts";
import type { SimEnd } from "./sim-end.ts";
import type { SimListener } from "./sim-listener.ts";
import type { SimSocket } from "./sim-socket.ts";
import type { LinkState, SimWire } from "./sim-wire.ts";

export interface DialOptions {
  readonly wire: SimWire;
  readonly socket: SimSocket;
  readonly end: SimEnd;
  readonly local: Address;
  /** The machine that the address leads to. */
  readonly to: string;
  /** Who listens there now. */
  readonly find: () => SimListener | null;
}

/** Linux's. */
const FIRST_RETRY_MS = 1000;
const RETRIES = 6;

export class SimDial {
  readonly #options: DialOptions;
  readonly #from: string;
  #accepted: SimEnd | null = null;
  #retries = 0;

  constructor(options: DialOptions) {
    this.#options = options;
    this.#from = options.end.life.machine;
  }

  start(): void {
    const { wire, to } = this.#options;
    wire.packet(this.#from, to, (state) => this.#arrive(state));
  }

  #arrive(state: LinkState): void {
    switch (state) {
      case "open":
        return this.#accept() ? this.#answer(() => this.#connect()) : this.#answer(() => this.#fail("ECONNREFUSED"));
      case "dropping":
        return this.#retryLater();
      case "refusing":
        return this.#options.wire.packet(this.#options.to, this.#from, () => this.#fail("ECONNREFUSED"));
      default:
        return unreachable(state);
    }
  }

  /** Whether the other side's kernel has it: also when an earlier answer got lost. */
  #accept(): boolean {
    if (this.#accepted) return this.#accepted.isOpen;
    const { find, end, local } = this.#options;
    const listener = find();
    if (!listener) return false;
    this.#accepted = listener.take(end, local);
    end.join(this.#accepted);
    return true;
  }

  #answer(run: () => void): void {
    const { wire, to } = this.#options;
    wire.packet(to, this.#from, (state) => (state === "open" ? run() : this.#retryLater()));
  }

  #connect(): void {
    const { end, socket } = this.#options;
    // Given up meanwhile: the other side holds a connection to nobody.
    if (!end.isOpen) return end.sendReset();
    end.life.deliver(() => socket.connected());
  }

  #fail(code: "ECONNREFUSED" | "ETIMEDOUT"): void {
    const { end, socket } = this.#options;
    if (!end.isOpen) return;
    end.life.deliver(() => socket.refused(code));
  }

  #retryLater(): void {
    if (!this.#options.end.isOpen) return;
    const isLast = this.#retries === RETRIES;
    const retry = (): void => (isLast ? this.#fail("ETIMEDOUT") : this.start());
    this.#options.wire.after(FIRST_RETRY_MS * 2 ** this.#retries, retry);
    this.#retries += 1;
  }
}
