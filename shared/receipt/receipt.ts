/**
 * A receipt: what is known of a takeover only once it is over, kept in the vault beside the fence that began it; and what
 * a deposed primary has to say, which only it knows. For people: nothing rests on either, and one that is missing or
 * damaged stops nobody. `docs/formats.md` lists the fields.
 */
import { Type, type Static, type TSchema } from "typebox";

export const RECEIPT_FORMAT = 1;
/** No receipt is larger; what is, is not read. */
export const MAX_RECEIPT_BYTES = 64 * 1024;
/** Void fences that one receipt lists; the newest ones. */
export const MAX_VOIDS = 32;
export const MAX_REASON = 1024;

const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Node = Type.String({ minLength: 1, maxLength: 63 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Millis = Type.Number({ minimum: 0 });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Fence = Type.Object({ slot: Count, id: Hex128, epoch: Count, owner: Node, bootId: Hex128 });

export const Receipt = Type.Object({
  format: Type.Integer({ minimum: 1 }),
  pool: Type.String({ minLength: 1, maxLength: 63 }),
  /** The fence by which the tenure began. */
  fence: Fence,
  /** The fence that it deposed; `null` for the first of a pool. */
  previous: orNull(Fence),
  /** From where on it serves: the last record then, and the last commit in it. */
  slot: Count,
  lsn: Count,
  /** Records of others that were not applied yet when the takeover began. */
  replayed: Count,
  /** When it began to serve, by its own wall clock. */
  servedAtMs: Type.Number(),
  phases: Type.Object({
    verify: Millis,
    fence: Millis,
    confirm: Millis,
    apply: Millis,
    open: Millis,
    total: Millis,
  }),
  /** Fences that this process found void since its last receipt, its own and others'. */
  voidFences: Type.Array(Fence, { maxItems: MAX_VOIDS }),
  /** Version of the program that wrote it. */
  version: Type.String({ maxLength: 64 }),
});

/** How a tenure ended that its owner did not end by a release: deposed, or the vault failed it. */
export const TenureEnd = Type.Object({
  format: Type.Integer({ minimum: 1 }),
  pool: Type.String({ minLength: 1, maxLength: 63 }),
  /** The fence by which the tenure had begun. */
  fence: Fence,
  /** The last record that its owner published, and the last commit in it. */
  slot: Count,
  lsn: Count,
  /** When its owner learnt it, by its own wall clock. */
  endedAtMs: Type.Number(),
  reason: Type.String({ maxLength: MAX_REASON }),
  /** The batch that was in flight. `void`: it is certainly not in history; `unknown`: its owner could not tell. */
  batch: orNull(
    Type.Object({
      slot: Count,
      commits: Count,
      fate: Type.Union([Type.Literal("void"), Type.Literal("unknown")]),
    }),
  ),
  version: Type.String({ maxLength: 64 }),
});

export type Receipt = Static<typeof Receipt>;
export type TenureEnd = Static<typeof TenureEnd>;
export type ReceiptFence = Static<typeof Fence>;
