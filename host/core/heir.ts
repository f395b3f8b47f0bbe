/** Whom a release names. It is a tenure's last record, so that the state it leads to has an heir until the next fence. */
import { parseNodeId, parseRecordId, type NodeId, type RecordId } from "../../shared/ids.ts";
import type { FenceRef, JournalRecord } from "../../shared/journal/record.ts";

export interface Heir {
  /** The id of the fence of the tenure that was released. */
  readonly fence: RecordId;
  readonly host: NodeId;
  /** Why it was released, for people. */
  readonly cause: string;
}

/** Whom `record`, of the tenure that `fence` began, names; `null` if it is no release, or one that names nobody. */
export function heirOf(record: JournalRecord, fence: FenceRef): Heir | null {
  if (record.kind !== "release") return null;
  const { successor, cause } = record.release;
  return successor === null ? null : { fence: fence.id, host: successor, cause };
}

/** As the store keeps it over restarts. */
export const formatHeir = ({ fence, host, cause }: Heir): string => JSON.stringify({ fence, host, cause });

/** @throws {HotspareError} HS_USAGE, SyntaxError: it was not written by `formatHeir`. */
export function parseHeir(text: string): Heir {
  const { fence, host, cause } = JSON.parse(text) as Record<string, unknown>;
  return { fence: parseRecordId(String(fence)), host: parseNodeId(String(host)), cause: String(cause) };
}
