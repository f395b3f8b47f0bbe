/**
 * What a proxy knows of itself and tells the others: its clock beside theirs, whether it trusts it, its program, its copy of
 * the configuration, its keys. Looked at now and then, since clocks drift and are set.
 */
import type { Cancel, Clock } from "../shared/clock.ts";
import { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import { quarantineRules, type QuarantineRules } from "../shared/clocks/quarantine.ts";
import { remarksOf, type ConfigStanding } from "../shared/config/config-standing.ts";
import type { NodeId } from "../shared/ids.ts";
import { programVersion } from "../shared/program-version.ts";
import type { Member } from "./core/council.ts";
import type { OwnState } from "./core/own-sight.ts";
import { OwnClock } from "./own-clock.ts";
import { ToldClocks } from "./told-clocks.ts";

export interface SelfWatchOptions {
  readonly self: NodeId;
  /** How it stands to its configuration now. */
  readonly standing: () => ConfigStanding;
  readonly clock: Clock;
  readonly keyIds: () => readonly string[];
  /** Told when the own clock is distrusted, and (`null`) when it is trusted again. */
  readonly onQuarantine: (reason: string | null) => void;
}

const INTERVAL_MS = 1000;

export class SelfWatch {
  readonly clocks: PeerClocks;
  readonly #options: SelfWatchOptions;
  readonly #ownClock: OwnClock;
  readonly #told: ToldClocks;
  readonly #program = programVersion();
  #timer: Cancel = () => undefined;

  constructor(options: SelfWatchOptions) {
    const { self, standing, clock, onQuarantine } = options;
    this.#options = options;
    this.clocks = new PeerClocks({ self, clock, boundMs: () => standing().config.clock.offsetMs });
    const rules = (): QuarantineRules => {
      const { clock: tuning, health } = standing().config;
      return quarantineRules(tuning.offsetMs, health.intervalMs);
    };
    this.#ownClock = new OwnClock({ self, clock, clocks: this.clocks, rules, onQuarantine });
    this.#told = new ToldClocks({ self, clocks: this.clocks, clock });
  }

  /** Why the own clock is distrusted; `null`: it is not. */
  get quarantined(): string | null {
    return this.#ownClock.quarantined;
  }

  /** To be called after each exchange with a host, and where there was none. */
  exchanged(): void {
    this.#ownClock.look();
  }

  state(): OwnState {
    const { clock, standing, keyIds } = this.#options;
    const { config, ...others } = standing();
    return {
      wallAheadMs: Math.round(clock.wallMs() - clock.monotonicMs()),
      clocks: this.#told.list(),
      quarantined: this.quarantined,
      program: this.#program,
      configHash: config.hash,
      ...remarksOf(others),
      keys: [...keyIds()],
    };
  }

  /** Tells at once, and then at each look, until it is stopped. `members` are the other proxies, as they are heard. */
  start(members: () => readonly Member[], tell: (own: OwnState) => void): void {
    this.#hearClocks(members());
    tell(this.state());
    this.#timer = this.#options.clock.after(INTERVAL_MS, () => this.start(members, tell));
  }

  /** Of nodes that are not configured nothing is taken: they would count in the median. */
  #hearClocks(members: readonly Member[]): void {
    const { hosts, proxies } = this.#options.standing().config;
    const nodes = new Set<string>([...hosts, ...proxies].map(({ id }) => id));
    const told = members.flatMap(({ proxy, isSilent, content }) =>
      isSilent ? [] : [[proxy, (content?.clocks ?? []).filter(({ node }) => nodes.has(node))] as const],
    );
    this.clocks.keep(nodes);
    this.clocks.tell(new Map(told));
  }

  stop(): void {
    this.#timer();
  }
}
