/** Everything that the doctor judges, gathered once: checks are pure functions of it. */
import type { Config, HostConfig, ProxyConfig } from "../../../shared/config/config.ts";
import type { Decisions } from "../../../shared/revisions/decisions.ts";
import type { FileSystem } from "../../../shared/vault/mount.ts";
import type { Space } from "../../../shared/vault/vault.ts";
import type { ClockOffset } from "../../../shared/wire/messages.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";
import type { ClusterStatus } from "../cluster-status.ts";

export interface HostFacts {
  readonly host: HostConfig;
  /** By a signed heartbeat; `null`: none, for `reason`. */
  readonly report: HostReport | null;
  readonly clock: ClockOffset | null;
  readonly reason: string | null;
  /** Who answers without a signature where the signed heartbeat failed; `null`: nobody, or it did not fail. */
  readonly stranger: string | null;
  /** Why its data address takes no connection from here; `null`: it does. */
  readonly unreached: string | null;
}

export interface ProxyFacts {
  readonly proxy: ProxyConfig;
  /** Why its `gossip` address takes no message from here; `null`: it does. */
  readonly refused: string | null;
  /** Why its public address takes no connection from here; `null`: it does. */
  readonly unreached: string | null;
}

export interface SecretFacts {
  /** The file, or the name of the variable. */
  readonly source: string;
  readonly isFile: boolean;
  /** Why it cannot be used; `null`: it can. */
  readonly trouble: string | null;
  readonly keys: number;
}

export interface TlsFacts {
  readonly section: string;
  /** Why it cannot be used; `null`: it can. */
  readonly trouble: string | null;
  readonly concerns: readonly string[];
  /** The private key, where others than its owner may read it; `null`: nobody may. */
  readonly openKey: string | null;
}

export interface PoolFiles {
  readonly pool: string;
  /** When the newest checkpoint was made; `null`: there is none. */
  readonly checkpointMs: number | null;
  readonly recordsSince: number;
  /** Where the journal cannot be followed to its end; `null`: it can. */
  readonly broken: string | null;
}

/** One host's hint, watched for a while. */
export interface HintFacts {
  readonly host: string;
  /** Whether it changed while it was watched. */
  readonly moves: boolean;
  /** How old the newest was when it was first seen, by both clocks; `null`: not known. */
  readonly lateMs: number | null;
}

export type VaultFacts =
  | { readonly seen: false; readonly directory: string; readonly code: string; readonly reason: string }
  | {
      readonly seen: true;
      readonly directory: string;
      readonly mount: FileSystem;
      readonly space: Space;
      /** Why a name cannot be created exactly once from here; `null`: it can. */
      readonly unfit: string | null;
      readonly pools: readonly PoolFiles[];
      readonly hints: readonly HintFacts[];
    };

export interface Facts {
  readonly config: Config;
  readonly wallMs: number;
  /** Ids of the nodes of this machine. */
  readonly own: ReadonlySet<string>;
  /** Of this command. */
  readonly version: string;
  readonly runtime: string;
  readonly status: ClusterStatus;
  readonly hosts: readonly HostFacts[];
  readonly proxies: readonly ProxyFacts[];
  readonly decisions: Decisions;
  readonly secret: SecretFacts;
  readonly tls: readonly TlsFacts[];
  readonly vault: VaultFacts;
}

/** The hosts that say how they are. */
export const answering = ({ hosts }: Pick<Facts, "hosts">): readonly (HostFacts & { readonly report: HostReport })[] =>
  hosts.flatMap((host) => (host.report === null ? [] : [{ ...host, report: host.report }]));
