/**
 * Notices that `npm start` or `npx hotspare` was ended. npm passes a signal on to the shell between it and `up`, and no
 * further: `up` would go on alone. Without npm nothing is watched, so that `nohup` and the like work as they always do.
 */
import type { Cancel, Clock } from "../../../shared/clock.ts";
import type { Env } from "../../../shared/config/substitute.ts";

export interface NpmParentOptions {
  readonly env: Env;
  readonly clock: Clock;
  /** The parent of this process now. */
  readonly parentPid: () => number;
  readonly gone: () => void;
}

const LOOK_MS = 300;

/** Calls `gone` once, when the parent that npm started is no more. Returns the stop. */
export function watchNpmParent({ env, clock, parentPid, gone }: NpmParentOptions): Cancel {
  if (env["npm_execpath"] === undefined) return () => undefined;
  const first = parentPid();
  let cancel: Cancel = () => undefined;
  const look = (): void => {
    if (parentPid() !== first) return gone();
    cancel = clock.after(LOOK_MS, look);
  };
  look();
  return () => cancel();
}
