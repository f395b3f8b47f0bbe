/**
 * A checkpoint's manifest: published last, so that an image without one does not count. JSON; `docs/formats.md` lists
 * its fields.
 */
import { Type, type Static } from "typebox";

const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Hex256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const CHECKPOINT_FORMAT = 1;

export const Manifest = Type.Object({
  format: Type.Integer({ minimum: 1 }),
  /** Where on the chain the image is exactly: what `hs_meta` inside it says. */
  head: Type.Object({
    origin: Hex128,
    slot: Count,
    hash: Hex256,
    lsn: Count,
    logTimeMs: Type.Number({ minimum: 0 }),
    /** What the record after it is written in; absent: the first version. */
    writeVersion: Type.Optional(Type.Integer({ minimum: 1 })),
    fence: Type.Object({
      slot: Count,
      id: Hex128,
      hash: Hex256,
      epoch: Count,
      owner: Type.String(),
      bootId: Hex128,
    }),
  }),
  stateHash: Hex256,
  /** Size of the database image, and SHA-256 of it. Nothing is inflated beyond the size. */
  imageBytes: Count,
  imageSha256: Hex256,
  /** Size of the compressed file, and SHA-256 of it. */
  fileBytes: Count,
  fileSha256: Hex256,
  schema: Type.Array(Type.String()),
  /** For people. */
  reason: Type.String(),
  by: Type.String(),
  wallMs: Type.Number(),
});

export type Manifest = Static<typeof Manifest>;
