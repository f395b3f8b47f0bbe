/** One fault in a cluster that is well otherwise, of which it is known what must come of it; and who plays in it. */
import type { Dice } from "./dice.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimProxy } from "./sim-proxy.ts";

/** Which way nothing goes. */
export type Ways = "to" | "from" | "both";

/** Who is there, and what can be done. */
export interface Cast {
  readonly dice: Dice;
  readonly primary: SimHost;
  readonly standbys: readonly SimHost[];
  /** Whichever is the first. */
  readonly proxies: readonly SimProxy[];
  readonly cut: (some: readonly Named[], others: readonly Named[], ways: Ways, forMs: number) => void;
  readonly cutShare: (host: SimHost, forMs: number, how: "hangs" | "fails") => void;
  readonly later: (delayMs: number, run: () => void) => void;
  /** It goes on for so long. */
  readonly lasts: (forMs: number) => void;
  /** From now on a takeover is needed. */
  readonly needed: () => void;
}

export interface Named {
  readonly id: string;
}

export interface Plot {
  readonly name: string;
  readonly hosts: number;
  readonly proxies: number;
  /** Nobody writes. */
  readonly isIdle?: boolean;
  readonly act: (cast: Cast) => void;
  /** That must follow. */
  readonly takeovers: 0 | 1;
  /** After it was needed. */
  readonly withinMs: number;
}

export const FOR_EVER_MS = Infinity;
/** Longer than any of the cluster's patience. */
export const LONG_MS = 6_000;

export const anyWay = ({ dice }: Cast): Ways => dice.pick(["to", "from", "both"]);

/** Everybody but `some`. */
export const others = ({ primary, standbys, proxies }: Cast, ...some: readonly Named[]): readonly Named[] =>
  [primary, ...standbys, ...proxies].filter(({ id }) => some.every((one) => one.id !== id));
