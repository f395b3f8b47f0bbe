/** What a host still lacks before it could take over at once. Pure. */
import type { Config } from "../../../shared/config/config.ts";
import { WARM_MS } from "../../../shared/fitness.ts";
import { poolIn, type ClusterWord } from "../cluster-link.ts";

/** Why it is not warm yet, in the first pool where it is not; `null`: it is, in all, or it serves. */
export function warmthOf({ pools }: Pick<Config, "pools">, host: string, { hosts }: ClusterWord): string | null {
  const said = hosts.find((word) => word.host.id === host);
  if (said === undefined || said.report === null)
    return `it does not answer: ${said?.reason ?? "it is not configured"}`;
  const { report } = said;
  const lacking = pools.map(({ id }) => {
    const entry = poolIn(report, id);
    if (entry === null) return `pool ${id}: it is starting`;
    if (entry.serving) return null;
    const reason = entry.alarm ?? entry.unfit ?? (entry.role === "standby" ? null : `it is ${entry.role}`);
    if (reason !== null) return `pool ${id}: ${reason}`;
    return entry.lagMs <= WARM_MS ? null : `pool ${id}: it catches up, at slot ${entry.slot}`;
  });
  return lacking.find((reason) => reason !== null) ?? null;
}
