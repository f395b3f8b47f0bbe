/** Who wants to hear of a pool's changes: the application, and whoever waits here for one of them. */
import type { Clock } from "../shared/clock.ts";
import type { PoolEvent as AccessEvent } from "./pool-access.ts";

/** `role`: this host is something else for the pool than before; only the host itself hears of that. */
export type PoolEvent = AccessEvent | "role";

const EVENTS: readonly PoolEvent[] = ["change", "primary", "standby", "role"];

export class PoolListeners {
  readonly #clock: Clock;
  readonly #listeners: Readonly<Record<PoolEvent, Set<() => void>>> = {
    primary: new Set(),
    standby: new Set(),
    change: new Set(),
    role: new Set(),
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  on(event: PoolEvent, listener: () => void): () => void {
    this.#listeners[event].add(listener);
    return () => void this.#listeners[event].delete(listener);
  }

  emit(event: PoolEvent): void {
    for (const listener of this.#listeners[event]) listener();
  }

  /** Resolves when `condition` holds, looking after each change; with `false` if it does not within `timeoutMs`. */
  until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        cancel();
        for (const stop of unlisten) stop();
        resolve(result);
      };
      const look = (): void => {
        if (condition()) end(true);
      };
      const unlisten = EVENTS.map((event) => this.on(event, look));
      const cancel = this.#clock.after(timeoutMs, () => end(condition()));
    });
  }
}
