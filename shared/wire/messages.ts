/**
 * The messages between nodes: schema and type of each, from one place. Unknown fields are ignored; a missing or
 * ill-typed known one is an error that names it. Paths are `/hotspare/v1/<message>`.
 */
import { Type, type Static } from "typebox";
import { Decisions } from "../revisions/decisions.ts";
import { ConfigRemarks, Count, Hex128, Hex256, Id, KeyIds, Millis, orNull, Text } from "./message-fields.ts";
import { InviteAnswer, InviteRequest, JoinAnswer, JoinRequest } from "./join-messages.ts";
import {
  ConfigurationAnswer,
  ConfigurationRequest,
  DecideAnswer,
  DecideRequest,
  EnrolAnswer,
  EnrolRequest,
  FinishUpgradeAnswer,
  FinishUpgradeRequest,
  HandoverAnswer,
  HandoverRequest,
  LookAnswer,
  LookRequest,
  RevisionsAnswer,
  RevisionsRequest,
} from "./operation-messages.ts";
import { FenceMessage, HostReport } from "./reports.ts";

/** How far a clock is ahead, and how far off that may be at most. Milliseconds. */
export const ClockOffset = Type.Object({ offsetMs: Type.Number(), errorMs: Millis });

/** Proxy (or peer) to host: how are you? The answer is a `HostReport`. Carries the first and second NTP stamp. */
export const HeartbeatRequest = Type.Object({
  /** Boot id of the host that the sender believes it talks to; `null` at first. */
  bootId: orNull(Hex128),
  originMs: Millis,
  /** How far the receiver's clock is ahead of the median of at least three, as the sender sees it; `null`: it cannot say. */
  clock: Type.Optional(orNull(ClockOffset)),
  /** The newest revision that the sender knows; absent: it does not ask for decisions. */
  revision: Type.Optional(Count),
});

export const HeartbeatAnswer = Type.Object({
  report: HostReport,
  /** What operations decided, where it is newer than what the sender knows. */
  decisions: Type.Optional(orNull(Decisions)),
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
  /** Asked for by people, or by a primary that steps back; absent: somebody found the primary gone. */
  planned: Type.Optional(Type.Boolean()),
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
      /** What operations decided, as far as the origin has heard. */
      decisions: Type.Optional(Decisions),
      ...ConfigRemarks,
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

/** Every message with what it asks and what it answers. */
export const MESSAGES = {
  heartbeat: { request: HeartbeatRequest, answer: HeartbeatAnswer },
  promote: { request: PromoteRequest, answer: PromoteAnswer },
  vote: { request: VoteRequest, answer: VoteAnswer },
  gossip: { request: GossipRequest, answer: GossipAnswer },
  appended: { request: AppendedRequest, answer: AppendedAnswer },
  checkpoint: { request: CheckpointRequest, answer: CheckpointAnswer },
  handover: { request: HandoverRequest, answer: HandoverAnswer },
  decide: { request: DecideRequest, answer: DecideAnswer },
  revisions: { request: RevisionsRequest, answer: RevisionsAnswer },
  enrol: { request: EnrolRequest, answer: EnrolAnswer },
  configuration: { request: ConfigurationRequest, answer: ConfigurationAnswer },
  "finish-upgrade": { request: FinishUpgradeRequest, answer: FinishUpgradeAnswer },
  invite: { request: InviteRequest, answer: InviteAnswer },
  join: { request: JoinRequest, answer: JoinAnswer },
  look: { request: LookRequest, answer: LookAnswer },
} as const;

export type MessageName = keyof typeof MESSAGES;
/** One by one, so that the compiler looks at a single schema where it knows the name. */
type Requests = { [Name in MessageName]: Static<(typeof MESSAGES)[Name]["request"]> };
type Answers = { [Name in MessageName]: Static<(typeof MESSAGES)[Name]["answer"]> };
export type Request<Name extends MessageName> = Requests[Name];
export type Answer<Name extends MessageName> = Answers[Name];

export type ClockOffset = Static<typeof ClockOffset>;
export type VoteMessage = Static<typeof VoteMessage>;
export type HostSighting = Static<typeof HostSighting>;
export type PoolSighting = Static<typeof PoolSighting>;
export type Observation = Static<typeof Observation>;
export type Digest = Static<typeof Digest>;
