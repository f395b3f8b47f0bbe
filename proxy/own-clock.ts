/** Whether this proxy distrusts its own clock: the same rule as a host's, with its own median as the only voice. */
import type { Clock } from "../shared/clock.ts";
import type { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import { NO_QUARANTINE, stepQuarantine, type Quarantine, type QuarantineRules } from "../shared/clocks/quarantine.ts";
import type { NodeId } from "../shared/ids.ts";

export interface OwnClockOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly clocks: PeerClocks;
  readonly rules: () => QuarantineRules;
  /** Told when it changes; `null`: the clock is trusted again. */
  readonly onQuarantine: (reason: string | null) => void;
}

export class OwnClock {
  readonly #options: OwnClockOptions;
  #quarantine: Quarantine = NO_QUARANTINE;

  constructor(options: OwnClockOptions) {
    this.#options = options;
  }

  /** Why the clock is distrusted; `null`: it is not. */
  get quarantined(): string | null {
    return this.#quarantine.reason;
  }

  /** To be called after each exchange, and where there is none. */
  look(): void {
    const { self, clock, clocks, rules, onQuarantine } = this.#options;
    const before = this.#quarantine.reason;
    const event = { type: "heard", from: self, deviation: clocks.deviationOf(self) } as const;
    this.#quarantine = stepQuarantine(this.#quarantine, event, clock.monotonicMs(), rules());
    if (this.#quarantine.reason !== before) onQuarantine(this.#quarantine.reason);
  }
}
