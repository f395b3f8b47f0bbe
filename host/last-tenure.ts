/** How the newest tenure went, if it was this host's: a crash loop must be seen over restarts. */
import type { NodeId } from "../shared/ids.ts";
import type { Tenure } from "./core/pool-state.ts";
import type { JournalReader } from "./journal-reader.ts";
import type { Store } from "./store/store.ts";

/** `null` if the newest fence of the state is another host's. A fence that cannot be read now counts as a start. */
export async function lastTenure(store: Store, reader: JournalReader, self: NodeId): Promise<Tenure | null> {
  const fence = store.head?.fence;
  if (!fence || fence.owner !== self) return null;
  const found = await reader.find(fence.slot);
  const record = found.type === "record" ? found.sealed.record : null;
  const reason = record?.kind === "fence" ? record.fence.reason : "start";
  return { fence: fence.id, reason, stable: store.isStable(fence.id) };
}
