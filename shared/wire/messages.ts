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
const Version = Type.Integer({ minimum: 1, maximum: 65_535 });
const KeyIds = Type.Array(Type.String({ pattern: "^[0-9a-f]{16}$" }), { maxItems: 16 });
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
  /** The version of Node.js that it runs on. */
  node: Type.Optional(Text),
  /** Which versions of what lies in the vault it reads, where the version can be raised; absent: the first alone. */
  formats: Type.Optional(Type.Object({ records: Type.Object({ min: Version, max: Version }) })),
});

/** How far a clock is ahead, and how far off that may be at most. Milliseconds. */
export const ClockOffset = Type.Object({ offsetMs: Type.Number(), errorMs: Millis });

/** Proxy (or peer) to host: how are you? The answer is a `HostReport`. Carries the first and second NTP stamp. */
export const HeartbeatRequest = Type.Object({
  /** Boot id of the host that the sender believes it talks to; `null` at first. */
  bootId: orNull(Hex128),
  originMs: Millis,
  /** How far the receiver's clock is ahead of the median of at least three, as the sender sees it; `null`: it cannot say. */
  clock: Type.Optional(orNull(ClockOffset)),
});

export const HeartbeatAnswer = Type.Object({
  report: HostReport,
  originMs: Millis,
  receivedMs: Millis,
  sentMs: Millis,
});

/** What one node said of the owner of a fence, kept in the fence that deposes it. */
export const VoteMessage = Type.Object({
  by: Id,
  verdict: Text,
  /** A standby: the silent proxy in whose place it votes. */
  standsFor: Type.Optional(Id),
  /** When it saw the first sign, by its own wall clock. For people. */
  seenAtMs: Type.Optional(Millis),
});

/** The order to take over. `fence` is the id of the fence to depose; `null` where there is none yet. */
export const PromoteRequest = Type.Object({
  pool: Id,
  bootId: Hex128,
  fence: orNull(Hex128),
  cause: Text,
  votes: Type.Array(VoteMessage, { maxItems: 512 }),
  /** Milliseconds from the first sign to each step at the proxy that orders, each from the end of the one before. */
  phases: Type.Optional(Type.Record(Type.String({ maxLength: 32 }), Millis)),
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

/**
 * Proxy to standby: would you depose the owner of `fence`, in the place of proxies that are silent? `fence` is the id of
 * the newest fence that the proxy knows; `null` where there is none yet.
 */
export const VoteRequest = Type.Object({ pool: Id, bootId: Hex128, fence: orNull(Hex128) });

/**
 * `down`: the own probe of the owner failed (or found that it does not serve), and the vault stood still for long
 * enough. `alive`: something moved, or the owner answered that it serves. `unsure`: this host cannot say.
 */
export const VoteAnswer = Type.Object({
  verdict: Type.Union([Type.Literal("down"), Type.Literal("alive"), Type.Literal("unsure")]),
  reason: Text,
  /** For how long neither the journal nor the owner's file in the vault has moved, as this host saw it. */
  stillMs: Millis,
});

/** What a proxy sees of one host. */
export const HostSighting = Type.Object({
  host: Id,
  verdict: Type.Union([Type.Literal("unknown"), Type.Literal("up"), Type.Literal("suspect"), Type.Literal("down")]),
  reason: orNull(Text),
});

/** What a proxy sees of one pool, and its vote. */
export const PoolSighting = Type.Object({
  pool: Id,
  /** The newest fence that it knows. */
  fence: orNull(FenceMessage),
  /** The newest epoch in which it saw a host serve, and that host. */
  epoch: Count,
  primary: orNull(Id),
  /** Whether the owner of `fence` is to be deposed: `lost`, or `sick` (its storage, its clock), are votes for it. */
  opinion: Type.Union([Type.Literal("well"), Type.Literal("waiting"), Type.Literal("sick"), Type.Literal("lost")]),
  cause: orNull(Text),
  /** When it saw the first sign, by its own wall clock; `null` while well. For people. */
  seenAtMs: orNull(Millis),
  /** The host that it has ordered to depose the owner of `fence`; `null`: none. */
  ordered: orNull(Id),
});

/**
 * Everything that one proxy sees, by version. Of two with the same origin the one of the higher incarnation holds, then
 * that of the greater boot id, then that of the higher version; `beat` only shows that the origin lives.
 */
export const Observation = Type.Object({
  origin: Id,
  incarnation: Count,
  bootId: Hex128,
  version: Count,
  beat: Count,
  /** `null`: forgotten, only the version is remembered. */
  content: orNull(
    Type.Object({
      hosts: Type.Array(HostSighting, { maxItems: 1024 }),
      pools: Type.Array(PoolSighting, { maxItems: 1024 }),
      /** How far each other node's clock is ahead of the origin's. */
      clocks: Type.Array(Type.Object({ node: Id, offsetMs: Type.Number(), errorMs: Millis }), { maxItems: 2048 }),
      quarantined: orNull(Text),
      program: Text,
      configHash: Text,
      keys: KeyIds,
    }),
  ),
});

/** Which versions a proxy has: enough to know who of the two has something newer. */
export const Digest = Type.Array(
  Type.Object({ origin: Id, incarnation: Count, bootId: Hex128, version: Count, beat: Count }),
  { maxItems: 1024 },
);

/**
 * Proxy to proxy: what is new, and what the sender has. With `bootId: null` nothing of it is believed: it only asks for the
 * receiver's boot id. Carries NTP stamps like a heartbeat.
 */
export const GossipRequest = Type.Object({
  bootId: orNull(Hex128),
  originMs: Millis,
  observations: Type.Array(Observation, { maxItems: 1024 }),
  digest: Digest,
});

/** What the receiver has that is newer than the digest, and of what it wants more. */
export const GossipAnswer = Type.Object({
  bootId: Hex128,
  originMs: Millis,
  receivedMs: Millis,
  sentMs: Millis,
  observations: Type.Array(Observation, { maxItems: 1024 }),
  /** Origins of which the digest showed something newer than the receiver has. */
  wanted: Type.Array(Id, { maxItems: 1024 }),
});

/** Primary to standby: there is a record at `slot` now. A hint. */
export const AppendedRequest = Type.Object({ pool: Id, slot: Count });
export const AppendedAnswer = Type.Object({ slot: Count });

/** Command line to a primary: take a checkpoint now. */
export const CheckpointRequest = Type.Object({ pool: Id, reason: Text });
export const CheckpointAnswer = Type.Object({ slot: Count, stateHash: Hex256, bytes: Count, durationMs: Millis });

/** Command line to a primary: every host has the new program, so write what it can read. With `dryRun` nothing is written. */
export const FinishUpgradeRequest = Type.Object({ pool: Id, dryRun: Type.Boolean() });
/** The version before and the one to be written; `slot` is that of the `format` record, 0 where none was needed or wanted. */
export const FinishUpgradeAnswer = Type.Object({ from: Version, to: Version, raised: Type.Boolean(), slot: Count });

/** Every message with what it asks and what it answers. */
export const MESSAGES = {
  heartbeat: { request: HeartbeatRequest, answer: HeartbeatAnswer },
  promote: { request: PromoteRequest, answer: PromoteAnswer },
  vote: { request: VoteRequest, answer: VoteAnswer },
  gossip: { request: GossipRequest, answer: GossipAnswer },
  appended: { request: AppendedRequest, answer: AppendedAnswer },
  checkpoint: { request: CheckpointRequest, answer: CheckpointAnswer },
  "finish-upgrade": { request: FinishUpgradeRequest, answer: FinishUpgradeAnswer },
} as const;

export type MessageName = keyof typeof MESSAGES;
export type Request<Name extends MessageName> = Static<(typeof MESSAGES)[Name]["request"]>;
export type Answer<Name extends MessageName> = Static<(typeof MESSAGES)[Name]["answer"]>;

export type ClockOffset = Static<typeof ClockOffset>;
export type VoteMessage = Static<typeof VoteMessage>;
export type HostSighting = Static<typeof HostSighting>;
export type PoolSighting = Static<typeof PoolSighting>;
export type Observation = Static<typeof Observation>;
export type Digest = Static<typeof Digest>;
export type FenceMessage = Static<typeof FenceMessage>;
export type PoolReport = Static<typeof PoolReport>;
export type HostReport = Static<typeof HostReport>;
