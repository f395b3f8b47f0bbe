/** The pool that `--pool` names; without it the only one there is. */
import type { Config } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { PoolId } from "../../shared/ids.ts";

/** @throws {HotspareError} HS_USAGE if there is no such pool, or none is named and there are several. */
export function choosePool({ pools, file }: Config, name: string | undefined): PoolId {
  const known = pools.map(({ id }) => id);
  const [only, ...others] = known;
  const chosen = name === undefined ? only : known.find((id) => id === name);
  if (chosen !== undefined && (name !== undefined || others.length === 0)) return chosen;
  const reason = name === undefined ? "name a pool with --pool" : `${file} has no pool ${name}`;
  throw new HotspareError("HS_USAGE", { reason: `${reason}; it has ${known.join(", ")}` });
}
