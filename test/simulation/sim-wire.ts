/**
 * The network between simulated machines, one packet at a time: how long it takes, and whether it arrives. What connections
 * make of packets that do not arrive is in `sim-lane.ts`. Everything that happens is an entry of the scheduler.
 */

export type LinkState = "open" | "dropping" | "refusing";

/** Of each direction between two machines; asked anew for each packet. A machine's link to itself counts too. */
export interface LinkPolicy {
  delayMs(from: string, to: string): number;
  /** Asked when the packet would arrive. `refusing`: as a firewall that answers with RST. */
  state(from: string, to: string): LinkState;
}

export interface WireOptions {
  /** Runs it in virtual time, alone: what it leads to in promises and ticks is over before the next entry. */
  readonly after: (delayMs: number, run: () => void) => void;
  readonly random: () => number;
  readonly link: LinkPolicy;
}

export class SimWire {
  readonly after: WireOptions["after"];
  readonly random: WireOptions["random"];
  readonly #link: LinkPolicy;
  readonly #dark = new Set<string>();

  constructor({ after, random, link }: WireOptions) {
    this.after = after;
    this.random = random;
    this.#link = link;
  }

  /** A machine without power: nothing reaches it. */
  setPower(machine: string, isOn: boolean): void {
    if (isOn) this.#dark.delete(machine);
    else this.#dark.add(machine);
  }

  /** What becomes of a packet is told when it would arrive. */
  packet(from: string, to: string, landed: (state: LinkState) => void): void {
    this.after(this.#link.delayMs(from, to), () => landed(this.state(from, to)));
  }

  state(from: string, to: string): LinkState {
    return this.#dark.has(to) ? "dropping" : this.#link.state(from, to);
  }
}
