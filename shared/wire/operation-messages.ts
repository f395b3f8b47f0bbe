/** What operators' commands say to nodes, and nodes to one another on their behalf. */
import { Type, type Static } from "typebox";
import { Change, Decisions } from "../revisions/decisions.ts";
import { Revision } from "../revisions/revision.ts";
import { Count, Hex128, Id, Millis, orNull, Text, Version } from "./message-fields.ts";
import { FenceMessage, PoolReport } from "./reports.ts";

/** Command line, or a host that is taken out, to a primary: step back in favour of another host. */
export const HandoverRequest = Type.Object({
  pool: Id,
  bootId: Hex128,
  /** `null`: whoever is fittest. */
  to: orNull(Id),
  by: Text,
  cause: Text,
  /** Only say what would happen. */
  dryRun: Type.Boolean(),
});

/** A host that could follow, and if not, why not. */
export const Fitness = Type.Object({ host: Id, unfit: orNull(Text), slot: orNull(Count), lagMs: orNull(Millis) });

export const HandoverAnswer = Type.Object({
  /** Who serves now, or would. */
  successor: Id,
  /** Its own fence; `null` for a dry run. */
  fence: orNull(FenceMessage),
  /** From the last write that was accepted to the successor's word that it serves; for a dry run as predicted. */
  pauseMs: Millis,
  phases: Type.Record(Type.String(), Millis),
  hosts: Type.Array(Fitness, { maxItems: 1024 }),
});

/** Command line to any host: write the next revision. `base`: the revision that the decision was made on. */
export const DecideRequest = Type.Object({ base: Count, change: Change, by: Text, reason: Text });
/** `changed: false`: it held already. */
export const DecideAnswer = Type.Object({ changed: Type.Boolean(), decisions: Decisions });

/** What was decided so far. `from: null`: the last `limit` ones. */
export const RevisionsRequest = Type.Object({
  from: orNull(Count),
  limit: Type.Integer({ minimum: 0, maximum: 64 }),
});
export const RevisionsAnswer = Type.Object({
  revisions: Type.Array(Revision, { maxItems: 64 }),
  decisions: Decisions,
});

/** Command line to a host: come back as a standby. */
export const EnrolRequest = Type.Object({ bootId: Hex128 });
export const EnrolAnswer = Type.Object({ pools: Type.Array(PoolReport, { maxItems: 1024 }) });

/** Anybody to a proxy: something has changed at that host, look at it now. A hint. */
export const LookRequest = Type.Object({ host: Id });
/** The newest of operators' revisions that the proxy knows; 0: none. */
export const LookAnswer = Type.Object({ revision: Type.Optional(Count) });

/** Command line to a node: what do you run with? */
export const ConfigurationRequest = Type.Object({});
export const ConfigurationAnswer = Type.Object({
  hash: Text,
  /** One text for each key, with the places in lists by their ids: `hosts[host-a].listen`. The secret is in none. */
  values: Type.Array(Type.Object({ path: Text, text: Type.String({ maxLength: 64 * 1024 }) }), { maxItems: 65_536 }),
  problem: orNull(Text),
  pendingRestart: Type.Array(Text, { maxItems: 64 }),
});

/** Command line to a primary: every host has the new program, so write what it can read. With `dryRun` nothing is written. */
export const FinishUpgradeRequest = Type.Object({ pool: Id, dryRun: Type.Boolean() });
/** The version before and the one to be written; `slot` is that of the `format` record, 0 where none was needed or wanted. */
export const FinishUpgradeAnswer = Type.Object({ from: Version, to: Version, raised: Type.Boolean(), slot: Count });

export type Fitness = Static<typeof Fitness>;
