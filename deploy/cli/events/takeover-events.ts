/** Takeovers of all pools, from fences and receipts in the vault. */
import type { Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { reasonOf } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { inTime } from "../in-time.ts";
import { fenceHistory } from "../vault/fence-history.ts";
import { withVault, type OpenVault } from "../vault/open-vault.ts";
import { takeoverHistory, type Takeover } from "../vault/takeover-history.ts";
import { whyText } from "../takeover-text.ts";
import type { ClusterEvent, SilentSource, Told } from "./cluster-event.ts";

/** The proxies can tell while the share hangs. */
const PATIENCE_MS = 20_000;

/** `host`: through whose mount point. A vault that is not seen from here is part of the result. */
export async function takeoverEvents(
  config: Config,
  options: { readonly host: string | undefined; readonly clock: Clock },
): Promise<Told> {
  const silent = (what: string, reason: string): SilentSource => ({ source: "vault", what, reason });
  const read = async ({ vault }: OpenVault): Promise<Told> => {
    const told: Told[] = [];
    for (const { id: pool } of config.pools) {
      const { fences, broken } = await fenceHistory({ vault, pool });
      const events = (await takeoverHistory({ vault, pool, fences })).map((takeover) => eventOf(pool, takeover));
      told.push({ events, silent: broken === null ? [] : [silent(`history of pool ${pool}`, broken.message)] });
    }
    return { events: told.flatMap(({ events }) => events), silent: told.flatMap((one) => one.silent) };
  };
  const late = `the vault does not answer within ${PATIENCE_MS / 1000} s`;
  const otherwise: Told = { events: [], silent: [silent("takeovers", late)] };
  try {
    const { clock } = options;
    return await inTime(withVault(config, options, read), otherwise, { clock, timeoutMs: PATIENCE_MS });
  } catch (error) {
    return { events: [], silent: [silent("takeovers", reasonOf(error))] };
  }
}

function eventOf(pool: PoolId, takeover: Takeover): ClusterEvent {
  const { wallMs, owner, epoch, isVoid, tookMs, reason, orderedBy, cause, slot } = takeover;
  const took = tookMs === null ? "" : `, in ${Math.round(tookMs)} ms`;
  const what = isVoid ? `tried in vain to take over pool ${pool}` : `takes over pool ${pool}`;
  return {
    atMs: wallMs,
    source: "vault",
    by: owner,
    type: isVoid ? "void-fence" : "takeover",
    text: `${what} in epoch ${epoch}; ${whyText(takeover)}${took}`,
    trouble: reason === "order" || isVoid,
    details: { pool, epoch, slot, reason, orderedBy, cause, tookMs, deposed: takeover.deposed },
  };
}
