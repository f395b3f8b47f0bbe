/** What a host says of itself: in heartbeats, and to whoever asks. */
import { Type, type Static } from "typebox";
import { ConfigRemarks, Count, Hex128, Hex256, Id, KeyIds, Millis, orNull, Text, Version } from "./message-fields.ts";
import { ROLES, type Role } from "./role.ts";

export const FenceMessage = Type.Object({
  slot: Count,
  id: Hex128,
  hash: Hex256,
  epoch: Count,
  owner: Id,
  bootId: Hex128,
});

/** What a host says of one pool. */
export const PoolReport = Type.Object({
  pool: Id,
  role: Type.Unsafe<Role>(Type.Union(ROLES.map((role) => Type.Literal(role)))),
  /** `true` only after step 3 of a takeover: this host owns `fence` and answers requests. */
  serving: Type.Boolean(),
  /** The newest fence of the state that this host has applied (a primary: its own). */
  fence: orNull(FenceMessage),
  slot: Count,
  lsn: Count,
  logTimeMs: Millis,
  /** How old the journal is that this host has whole, as it was listed. 0 for a primary. */
  lagMs: Millis,
  /** Why it cannot be candidate; `null` if it can. */
  unfit: orNull(Text),
  /** What stops it, with an error code; `null` if nothing does. */
  alarm: orNull(Text),
  /** An order or a start is being carried out. */
  takingOver: Type.Boolean(),
  /** Whom the release after `fence` names: it takes over by itself. */
  successor: Type.Optional(orNull(Id)),
  /** The version of records that the pool is written in, as far as this host has applied it; absent before the first. */
  format: Type.Optional(Version),
});

export const HostReport = Type.Object({
  host: Id,
  bootId: Hex128,
  vaultId: orNull(Hex128),
  version: Text,
  configHash: Text,
  /** Milliseconds since the main thread last ticked. */
  mainTickAgeMs: Millis,
  /** The host's own write probe of the vault: age of the last good one, and whether the newest one was good. */
  probe: Type.Object({ ok: Type.Boolean(), ageMs: Millis, latencyMs: Millis }),
  candidate: Type.Boolean(),
  pools: Type.Array(PoolReport, { maxItems: 1024 }),
  /** Why it distrusts its own clock; `null` or absent if it does not. */
  quarantined: Type.Optional(orNull(Text)),
  /** Ids of the keys that it accepts; the first is the one it signs with. */
  keys: Type.Optional(KeyIds),
  /** Number of the newest revision that it has read. */
  revision: Type.Optional(Count),
  /** The version of Node.js that it runs on. */
  node: Type.Optional(Text),
  /** Which versions of what lies in the vault it reads, where the version can be raised; absent: the first alone. */
  formats: Type.Optional(Type.Object({ records: Type.Object({ min: Version, max: Version }) })),
  ...ConfigRemarks,
});

export type FenceMessage = Static<typeof FenceMessage>;
export type PoolReport = Static<typeof PoolReport>;
export type HostReport = Static<typeof HostReport>;
