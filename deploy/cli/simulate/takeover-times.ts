/** How long takeovers of a pool take: by its history, and where there is none by what the successor says of its vault. */
import type { Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../../shared/ids.ts";
import type { ClusterWord } from "../cluster-link.ts";
import { inTime } from "../in-time.ts";
import { fenceHistory } from "../vault/fence-history.ts";
import { withVault, type OpenVault } from "../vault/open-vault.ts";
import { takeoverHistory, type Takeover } from "../vault/takeover-history.ts";
import type { TakeoverTime } from "./pause.ts";

/** Of a warm standby; the newest ones, since the share may have changed. */
const NEWEST = 15;
/** What the history would tell is not worth more: the share may hang. */
const PATIENCE_MS = 10_000;
/** Each of contents and name is synced, for the fence; then the journal is listed twice. */
const VAULT_CALLS = 4;

export type TakeoverTimes = ReadonlyMap<PoolId, TakeoverTime>;

/** Empty where the vault is not seen from here. */
export async function takeoverTimes(
  config: Config,
  options: { readonly host: string | undefined; readonly clock: Clock },
): Promise<TakeoverTimes> {
  const read = async ({ vault }: OpenVault): Promise<TakeoverTimes> => {
    const times = new Map<PoolId, TakeoverTime>();
    for (const { id: pool } of config.pools) {
      const { fences } = await fenceHistory({ vault, pool });
      const newest = fences.filter(({ reason }) => reason !== "cold").slice(0, NEWEST);
      const time = medianOf(await takeoverHistory({ vault, pool, fences: newest }));
      if (time !== null) times.set(pool, time);
    }
    return times;
  };
  const none: TakeoverTimes = new Map();
  const { clock } = options;
  return await inTime(withVault(config, options, read), none, { clock, timeoutMs: PATIENCE_MS }).catch(() => none);
}

export function medianOf(takeovers: readonly Pick<Takeover, "receipt">[]): TakeoverTime | null {
  const totals = takeovers.flatMap(({ receipt }) =>
    receipt?.type === "receipt" ? [receipt.receipt.phases.total] : [],
  );
  const median = totals.toSorted((a, b) => a - b)[Math.floor(totals.length / 2)];
  if (median === undefined) return null;
  return { ms: Math.round(median), from: `median of the last ${totals.length} in the history` };
}

/** Where nothing is known of this pool. */
export function guess({ hosts }: ClusterWord, successor: NodeId): TakeoverTime {
  const latencyMs = hosts.find(({ host }) => host.id === successor)?.report?.probe.latencyMs ?? 0;
  const from = `no history is seen from here: ${VAULT_CALLS} times what ${successor} takes to write to the vault`;
  return { ms: Math.max(1, Math.round(VAULT_CALLS * latencyMs)), from };
}
