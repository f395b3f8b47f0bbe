/**
 * One direction of one connection, as TCP has it: in order, each segment once, sent again at growing intervals while the
 * link drops it. It fails in two ways, which are told to the sender: the link refuses, or nothing got through for too long.
 */
import { unreachable } from "../../shared/errors.ts";
import type { LinkState, SimWire } from "./sim-wire.ts";

export type Segment =
  | { readonly type: "bytes"; readonly bytes: Buffer }
  /** The sender will send nothing more. */
  | { readonly type: "end" }
  /** The receiver's process has read so many bytes: there is room for as many. */
  | { readonly type: "credit"; readonly count: number };

export interface LaneEnds {
  readonly from: string;
  readonly to: string;
  readonly arrived: (segment: Segment) => void;
  readonly failed: (code: "ECONNRESET" | "ETIMEDOUT") => void;
}

interface Flight {
  readonly segment: Segment;
  state: "flying" | "lost" | "landed";
}

/** Linux's. */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 120_000;
const RETRIES = 15;

export class SimLane {
  readonly #wire: SimWire;
  readonly #ends: LaneEnds;
  readonly #flights: Flight[] = [];
  #retries = 0;
  #isRetrying = false;
  #isAbandoned = false;

  constructor(wire: SimWire, ends: LaneEnds) {
    this.#wire = wire;
    this.#ends = ends;
  }

  send(segment: Segment): void {
    if (this.#isAbandoned) return;
    const flight: Flight = { segment, state: "flying" };
    this.#flights.push(flight);
    this.#wire.packet(this.#ends.from, this.#ends.to, (state) => this.#land([flight], state));
  }

  /** What is on the wire may still arrive; nothing is sent again. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  #land(flights: readonly Flight[], state: LinkState): void {
    switch (state) {
      case "open":
        this.#retries = 0;
        for (const flight of flights) flight.state = "landed";
        return this.#handOver();
      case "dropping":
        for (const flight of flights) flight.state = "lost";
        return this.#retryLater();
      case "refusing":
        if (this.#isAbandoned) return;
        this.abandon();
        return this.#ends.failed("ECONNRESET");
      default:
        return unreachable(state);
    }
  }

  #handOver(): void {
    while (this.#flights[0]?.state === "landed") this.#ends.arrived(this.#flights.shift()!.segment);
  }

  #retryLater(): void {
    if (this.#isRetrying || this.#isAbandoned) return;
    if (this.#retries === RETRIES) {
      this.abandon();
      return this.#ends.failed("ETIMEDOUT");
    }
    this.#isRetrying = true;
    this.#wire.after(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#retries), () => this.#retry());
    this.#retries += 1;
  }

  #retry(): void {
    this.#isRetrying = false;
    if (this.#isAbandoned) return;
    const lost = this.#flights.filter(({ state }) => state === "lost");
    this.#land(lost, this.#wire.state(this.#ends.from, this.#ends.to));
  }
}
