/**
 * What the main thread of a host and the thread of its control listener say to one another. Times are monotonic and the
 * same in both threads.
 */
import type { KeyObject } from "node:crypto";
import type { QuarantineRules } from "../shared/clocks/quarantine.ts";
import type { ConfigRemarks } from "../shared/config/config-standing.ts";
import type { Address, HostConfig } from "../shared/config/config.ts";
import type { ErrorCode, ErrorDetails } from "../shared/errors.ts";
import type { BootId, NodeId, VaultId } from "../shared/ids.ts";
import type { Decisions } from "../shared/revisions/decisions.ts";
import type { TlsMaterial } from "../shared/tls/tls-material.ts";
import type { MessageRefused } from "../shared/wire/message-server.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import type { PoolReport } from "../shared/wire/reports.ts";
import type { WelcomeFiles } from "./welcome.ts";

/** The messages that only the main thread can answer. */
export const CARRIED = [
  "promote",
  "vote",
  "appended",
  "checkpoint",
  "handover",
  "decide",
  "revisions",
  "enrol",
  "configuration",
  "finish-upgrade",
] as const;
export type CarriedName = (typeof CARRIED)[number];

/** What a host is, for its whole life. */
export interface HostIdentity {
  readonly host: NodeId;
  readonly bootId: BootId;
  readonly vaultId: VaultId | null;
  readonly version: string;
}

/** What the thread goes by, and what the configuration may change while it runs. */
export interface ControlTuning {
  /** A main thread that has not ticked for so long is not live (`health.hang`). */
  readonly stalledMs: number;
  /** How long a vote may take, with the probe that it may need. */
  readonly voteWaitMs: number;
  readonly quarantine: QuarantineRules;
  /** What it says of itself. */
  readonly standing: ConfigRemarks & { readonly configHash: string; readonly candidate: boolean };
}

/** What the thread is started with. */
export interface ControlThreadData {
  readonly identity: HostIdentity;
  readonly tuning: ControlTuning;
  readonly cluster: string;
  readonly secrets: readonly KeyObject[];
  readonly control: HostConfig["control"];
  /** Microseconds of the main thread's last tick, written by it. */
  readonly tick: BigInt64Array;
  /** What a machine that joins is given. */
  readonly files: WelcomeFiles;
  /** `null`: without TLS. */
  readonly tls: TlsMaterial | null;
}

/** One carried message. `expiresMs`: nobody waits for it any more, so it must not be begun. */
export type Ask = {
  [Name in CarriedName]: {
    readonly type: "ask";
    readonly id: number;
    readonly name: Name;
    readonly body: Request<Name>;
    readonly from: NodeId;
    readonly expiresMs: number;
  };
}[CarriedName];

export type ToMain =
  | { readonly type: "listening"; readonly address: Address }
  | { readonly type: "unable"; readonly code: ErrorCode; readonly details: ErrorDetails }
  | { readonly type: "refused"; readonly refusal: MessageRefused; readonly count: number }
  /** The host distrusts its own clock, or (`null`) trusts it again. */
  | { readonly type: "quarantine"; readonly reason: string | null }
  /** Somebody knows a revision that is newer than what this host has read. */
  | { readonly type: "revision" }
  /** A machine that was invited was given the configuration and the secret. */
  | { readonly type: "welcomed"; readonly node: NodeId }
  | Ask;

export type ToThread =
  | { readonly type: "pools"; readonly pools: readonly PoolReport[]; readonly atMs: number }
  | { readonly type: "probe"; readonly probe: VaultProbe; readonly atMs: number }
  | { readonly type: "decisions"; readonly decisions: Decisions }
  | { readonly type: "configured"; readonly tuning: ControlTuning }
  /** What the main thread has counted and measured. */
  | { readonly type: "measured"; readonly metrics: Measured; readonly atMs: number }
  | { readonly type: "secrets"; readonly secrets: readonly KeyObject[] }
  | { readonly type: "tls"; readonly material: TlsMaterial }
  | { readonly type: "stop" }
  | Reply;

/** `taken`: the main thread has begun it; one of the others follows. */
export type Reply =
  | { readonly type: "taken"; readonly id: number }
  | { readonly type: "settled"; readonly id: number; readonly answer: Answer<CarriedName> }
  | { readonly type: "failed"; readonly id: number; readonly code: ErrorCode; readonly details: ErrorDetails };

/** As `Registry.getMetricsAsJSON` gives them. */
export type Measured = readonly object[];

/** How the host's own write probe of the vault went. */
export interface VaultProbe {
  /** Whether the newest one was good, and none is late. */
  readonly ok: boolean;
  /** Since the last good one. */
  readonly ageMs: number;
  readonly latencyMs: number;
}
