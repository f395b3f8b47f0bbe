/**
 * The effective configuration: `hotspare.yaml` with every default filled in, units resolved (milliseconds, bytes) and
 * paths made absolute. `load-config.ts` makes it; nothing else reads the file.
 */
import type { NodeId, PoolId, VaultId } from "../ids.ts";

export interface Config {
  /** The file it was read from, absolute. */
  readonly file: string;
  /** Hash of what all nodes must agree on, for `status` and `doctor`. */
  readonly hash: string;
  readonly cluster: string;
  readonly secret: SecretSource;
  readonly vault: VaultConfig;
  readonly proxies: readonly ProxyConfig[];
  readonly hosts: readonly HostConfig[];
  readonly pools: readonly PoolConfig[];
  readonly health: HealthConfig;
  readonly gossip: GossipConfig;
  readonly clock: { readonly offsetMs: number };
  readonly takeover: { readonly timeoutMs: number };
  /** How long a deleted record's name may still be believed absent by a sleeping node. */
  readonly cleanDelayMs: number;
  readonly rejoin: "auto" | "manual";
  readonly failback: "auto" | "manual";
  /** How long a preferred host must be fit before it gets its pool back. */
  readonly failbackStableMs: number;
  readonly tls: TlsConfig;
  /** What this machine's hosts call; in the order of the file. */
  readonly hooks: readonly HookConfig[];
}

/**
 * What is spoken over a listener: `public`: proxies' `listen`; `admin`: proxies' `admin`; `control`: messages between
 * nodes, hosts' `control` and proxies' `gossip`; `data`: hosts' `listen`.
 */
export const TLS_SECTIONS = ["public", "admin", "control", "data"] as const;
export type TlsSection = (typeof TLS_SECTIONS)[number];

/** `null`: no TLS there. */
export type TlsConfig = Readonly<Record<TlsSection, TlsFiles | null>>;

/** Paths of PEM files, absolute. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Who must have signed the certificate of the other side, which then must show one; `null`: it need not. */
  readonly ca: string | null;
}

/** `before-handover`: before a primary hands a pool over. The others: the role of that name has begun. */
export const HOOK_MOMENTS = ["before-handover", "primary", "fenced", "standby", "offline"] as const;
export type HookMoment = (typeof HOOK_MOMENTS)[number];

export interface HookConfig {
  /** Where it stands in the file, such as `hooks[0]`: so people find it. */
  readonly name: string;
  readonly on: readonly HookMoment[];
  readonly action: HookAction;
  readonly timeoutMs: number;
  /** `null`: all. */
  readonly pools: readonly PoolId[] | null;
}

export type HookAction =
  | { readonly type: "command"; readonly command: CommandLine }
  | { readonly type: "webhook"; readonly url: string; readonly secret: SecretSource };

/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]];

export type SecretSource = { readonly file: string } | { readonly env: string };

export interface VaultConfig {
  readonly directory: string;
  /** `null` until `hotspare init` has made the vault and written its id. */
  readonly id: VaultId | null;
}

/** `host:port`, split and checked. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ProxyConfig {
  readonly id: NodeId;
  readonly listen: Address;
  readonly admin: Address;
  readonly advertise: Address;
  readonly gossip: Address;
  /** Processes that carry its requests; 1: its own. */
  readonly workers: number;
  /** Addresses and networks of other proxies, whose word about a client is passed on. */
  readonly trust: readonly string[];
  /** Whether each request leaves a line in the log. */
  readonly accessLog: boolean;
}

export interface HostConfig {
  readonly id: NodeId;
  /** Where the application's requests arrive. */
  readonly listen: Address;
  /** Heartbeats, orders, probes. */
  readonly control: Address;
  readonly advertise: Address;
  /** Own folder of the host, absolute; never inside the vault. */
  readonly data: string;
  /** First role only. */
  readonly mode: "primary" | "restore";
  readonly candidate: boolean;
  /** This host's own mount point of the vault, where it differs. */
  readonly vault: string | null;
}

export interface PoolConfig {
  readonly id: PoolId;
  /** `spaces`, a package name or an absolute path of a module. */
  readonly app: string;
  /** The same as it is written: alike on all machines, wherever the module lies. */
  readonly writtenApp: string;
  readonly routes: readonly Route[];
  /** Hosts in the order in which they are preferred; never empty. */
  readonly preferred: readonly NodeId[];
  /** The same as it is written; empty: it follows from the hosts' `mode`. */
  readonly writtenPreferred: readonly NodeId[];
  readonly checkpoint: CheckpointConfig;
  readonly park: ParkConfig;
  readonly replay: ReplayConfig;
  readonly reads: ReadsMode;
  readonly idempotency: { readonly clientMs: number; readonly proxyMs: number };
}

export interface Route {
  readonly host: string | null;
  readonly path: string;
}

export interface HealthConfig {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  /** A main thread that has not ticked for so long counts as down. */
  readonly hangMs: number;
  /** How long a refused connection is given before it counts, so that a supervisor can restart in place. */
  readonly graceMs: number;
  /** A primary that could not write to the vault for so long is replaced, if another host can. */
  readonly storageMs: number;
  /** A host that came back is no candidate before it was well for so long. */
  readonly stableMs: number;
  /** After several takeovers in a short time, the longest that a reason other than a dead process must last. */
  readonly dampMs: number;
}

export interface GossipConfig {
  readonly intervalMs: number;
  readonly fanout: number;
  readonly forgetMs: number;
}

export interface CheckpointConfig {
  readonly bytes: number;
  readonly intervalMs: number;
  readonly keep: number;
}

export interface ParkConfig {
  readonly requests: number;
  readonly bytes: number;
  readonly waitMs: number;
}

export interface ReplayConfig {
  readonly attempts: number;
  readonly bodyBytes: number;
  /** The largest answer that is held until it is complete. */
  readonly answerBytes: number;
  readonly policy: "keyed" | "safe" | "never";
}

export type ReadsMode = "auto" | "check" | "barrier";

export const formatAddress = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
