/** What a host says of a pool in its heartbeats. Before step 3 of a takeover is passed, nothing of the new epoch. */
import type { PoolReport } from "../shared/wire/reports.ts";
import { isServing, roleOf } from "./core/pool-core.ts";
import type { PoolState } from "./core/pool-state.ts";

/** `lagMs` of a host that was never at the head. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function reportOf(state: PoolState, logTimeMs: number, now: number): PoolReport {
  const { settings, applied, newestFence, freshMs, alarm, phase } = state;
  const serving = isServing(state);
  const role = roleOf(state);
  return {
    pool: settings.pool,
    role,
    serving,
    fence: newestFence,
    slot: applied?.slot ?? 0,
    lsn: applied?.lsn ?? 0,
    logTimeMs: serving ? logTimeMs : (applied?.logTimeMs ?? 0),
    lagMs: serving ? 0 : freshMs === null ? NEVER_MS : Math.max(0, now - freshMs),
    unfit: unfitOf(state),
    alarm: alarm ? `${alarm.code}: slot ${alarm.slot}: ${alarm.reason}` : null,
    ...successorIn(state),
    ...(applied && { format: applied.writeVersion }),
    takingOver: role === "taking-over" || (phase.type === "standby" && phase.waitsForOrderUntilMs !== null),
  };
}

/** Also while the release that names it is on its way: nobody else need be looked for. */
function successorIn({ phase, heir, newestFence }: PoolState): Pick<PoolReport, "successor"> {
  if (phase.type === "primary" && phase.primary.successor !== null) return { successor: phase.primary.successor };
  return heir !== null && heir.fence === newestFence?.id ? { successor: heir.host } : {};
}

function unfitOf({ unfit, phase, offline }: PoolState): string | null {
  if (offline !== null) return offline;
  if (unfit !== null) return unfit;
  if (phase.type === "fenced") return phase.sick ? `stepped down: ${phase.reason}` : `fenced: ${phase.reason}`;
  if (phase.type === "restoring") return "restoring";
  return phase.type === "offline" ? "offline" : null;
}
