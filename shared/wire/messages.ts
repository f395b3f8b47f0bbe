/**
 * The messages between nodes: schema and type of each, from one place. Unknown fields are ignored; a missing or
 * ill-typed known one is an error that names it. Paths are `/hotspare/v1/<message>`.
 */
import { Type, type Static, type TSchema } from "typebox";
import { ROLES, type Role } from "./role.ts";

const Id = Type.String({ minLength: 1, maxLength: 64 });
const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Hex256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Millis = Type.Number({ minimum: 0 });
const Text = Type.String({ maxLength: 1024 });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

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
  /** How long ago this host last knew itself at the head of the journal. 0 for a primary. */
  lagMs: Millis,
  /** Why it cannot be candidate; `null` if it can. */
  unfit: orNull(Text),
  /** What stops it, with an error code; `null` if nothing does. */
  alarm: orNull(Text),
  /** An order or a start is being carried out. */
  takingOver: Type.Boolean(),
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
});

/** Proxy (or peer) to host: how are you? The answer is a `HostReport`. Carries the first and second NTP stamp. */
export const HeartbeatRequest = Type.Object({
  /** Boot id of the host that the sender believes it talks to; `null` at first. */
  bootId: orNull(Hex128),
  originMs: Millis,
});

export const HeartbeatAnswer = Type.Object({
  report: HostReport,
  originMs: Millis,
  receivedMs: Millis,
  sentMs: Millis,
});

/** The order to take over. `fence` is the id of the fence to depose; `null` where there is none yet. */
export const PromoteRequest = Type.Object({
  pool: Id,
  bootId: Hex128,
  fence: orNull(Hex128),
  cause: Text,
  votes: Type.Array(Type.Object({ by: Id, verdict: Text }), { maxItems: 256 }),
});

/**
 * `serving`: done, the fence is `fence`. `accepted`: under way, watch the heartbeats. `refused`: with the newest fence
 * that the host knows, so that the proxy decides again.
 */
export const PromoteAnswer = Type.Object({
  outcome: Type.Union([Type.Literal("serving"), Type.Literal("accepted"), Type.Literal("refused")]),
  reason: Text,
  fence: orNull(FenceMessage),
  /** Milliseconds of each phase, where it is serving. */
  phases: Type.Record(Type.String(), Millis),
});

/** Primary to standby: there is a record at `slot` now. A hint. */
export const AppendedRequest = Type.Object({ pool: Id, slot: Count });
export const AppendedAnswer = Type.Object({ slot: Count });

/** Command line to a primary: take a checkpoint now. */
export const CheckpointRequest = Type.Object({ pool: Id, reason: Text });
export const CheckpointAnswer = Type.Object({ slot: Count, stateHash: Hex256, bytes: Count, durationMs: Millis });

/** Every message with what it asks and what it answers. */
export const MESSAGES = {
  heartbeat: { request: HeartbeatRequest, answer: HeartbeatAnswer },
  promote: { request: PromoteRequest, answer: PromoteAnswer },
  appended: { request: AppendedRequest, answer: AppendedAnswer },
  checkpoint: { request: CheckpointRequest, answer: CheckpointAnswer },
} as const;

export type MessageName = keyof typeof MESSAGES;
export type Request<Name extends MessageName> = Static<(typeof MESSAGES)[Name]["request"]>;
export type Answer<Name extends MessageName> = Static<(typeof MESSAGES)[Name]["answer"]>;

export type FenceMessage = Static<typeof FenceMessage>;
export type PoolReport = Static<typeof PoolReport>;
export type HostReport = Static<typeof HostReport>;
