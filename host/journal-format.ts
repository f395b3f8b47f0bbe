/**
 * Whether this program reads what the pool is written in, found out before it follows: one that does not would never become a
 * candidate, and whoever started it is to hear so at once. The journal's newest record is enough: what came before it has
 * the same version or an older one. What cannot be listed or read now is no reason: following stops at it.
 */
import { HotspareError, isHotspareError } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import { rangeOf, RECORD_FORMATS } from "../shared/journal/record-formats.ts";
import { slot, type Slot } from "../shared/position.ts";
import { recordName } from "../shared/vault/layout.ts";
import type { JournalReader } from "./journal-reader.ts";

/** @throws {HotspareError} HS_VAULT_FORMAT */
export async function checkJournalFormat(
  pool: PoolId,
  reader: Pick<JournalReader, "survey" | "find">,
  own: Head | null,
): Promise<void> {
  refuseNewer(`the local state of pool ${pool}`, own?.writeVersion ?? 0);
  const at = await newestSlot(reader, own);
  const found = at === undefined ? null : await reader.find(at);
  if (at === undefined || found === null) return;
  const name = `record ${recordName(pool, at)}`;
  if (found.type === "newer") refuseNewer(name, found.version);
  if (found.type !== "record") return;
  const { record } = found.sealed;
  if (record.kind === "format") refuseNewer(`what follows ${name}`, record.format.writeVersion);
}

async function newestSlot(reader: Pick<JournalReader, "survey">, own: Head | null): Promise<Slot | undefined> {
  try {
    return (await reader.survey(own?.slot ?? slot(1))).slots.at(-1);
  } catch (error) {
    if (isHotspareError(error)) return undefined;
    throw error;
  }
}

function refuseNewer(name: string, found: number): void {
  if (found <= RECORD_FORMATS.max) return;
  throw new HotspareError("HS_VAULT_FORMAT", { name, found, accepted: rangeOf(RECORD_FORMATS) });
}
