/** Everything of this program that is kept and has a version: which it reads, and how the version that is written comes to rise. */
import { LAYOUT } from "../../../host/store/system-tables.ts";
import { CHECKPOINT_FORMAT } from "../../../shared/checkpoint/manifest.ts";
import { RECORD_FORMATS, type FormatRange } from "../../../shared/journal/record-formats.ts";
import { RECEIPT_FORMAT } from "../../../shared/receipt/receipt.ts";
import { CLUSTER_FORMAT } from "../../../shared/vault/vault-identity.ts";

export interface KnownFormat {
  readonly name: string;
  readonly reads: FormatRange;
  readonly raised: string;
}

const upTo = (max: number): FormatRange => ({ min: 1, max });
const BY_FIELDS = "never while nodes run; grows by optional fields";

export const FORMATS: readonly KnownFormat[] = [
  { name: "records", reads: RECORD_FORMATS, raised: "for each pool, by `hotspare upgrade finish`" },
  { name: "cluster.json", reads: upTo(CLUSTER_FORMAT), raised: BY_FIELDS },
  { name: "checkpoints", reads: upTo(CHECKPOINT_FORMAT), raised: BY_FIELDS },
  { name: "receipts", reads: upTo(RECEIPT_FORMAT), raised: BY_FIELDS },
  { name: "images, local databases", reads: upTo(LAYOUT), raised: BY_FIELDS },
];
