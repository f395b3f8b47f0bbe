/**
 * Every key of `hotspare.yaml`: what it accepts, in which unit, what holds where it is absent, and what it is for. The one
 * table that reading, checking, `config show` and `docs/configuration.md` follow. `[]` stands for each entry of a list.
 */
import {
  address,
  application,
  byteSize,
  clusterName,
  count,
  duration,
  flag,
  filePath,
  nodeId,
  networks,
  nodeIds,
  oneOf,
  poolId,
  routeHost,
  routePath,
  variable,
  vaultId,
  type Check,
} from "./checks.ts";
import { TLS_SECTIONS, type TlsSection } from "./config.ts";
import { HOOK_SETTINGS } from "./hook-settings.ts";
import { derived, needed, standard, type Setting } from "./setting.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Keys that hold for all pools and that each entry of `pools` may override. */
export const POOL_SETTINGS = {
  "checkpoint.bytes": standard(
    byteSize({ min: 64 * KIB, max: 1024 * GIB }),
    "256MiB",
    "Journal since the last checkpoint that makes the next one due (at least half the image).",
  ),
  "checkpoint.interval": standard(
    duration({ min: SECOND, max: 168 * HOUR }),
    "10m",
    "Time after which a checkpoint is due if anything changed.",
  ),
  "checkpoint.keep": standard(
    count({ min: 2, max: 100 }),
    2,
    "Checkpoints that are kept; the journal is cleaned below the oldest of them.",
  ),
  "park.requests": standard(
    count({ min: 0, max: 1_000_000 }),
    10_000,
    "Requests that may wait at one proxy for a primary; over it they get 503.",
  ),
  "park.bytes": standard(
    byteSize({ min: 0, max: 64 * GIB }),
    "256MiB",
    "Bytes of request bodies, and of held answers, that may be kept at one proxy.",
  ),
  "park.wait": standard(
    duration({ min: 0, max: HOUR }),
    "30s",
    "How long one request waits for a primary before it gets 503.",
  ),
  "replay.attempts": standard(
    count({ min: 1, max: 2 }),
    2,
    "How often one request may be given to a host; never more than twice.",
  ),
  "replay.body": standard(
    byteSize({ min: 0, max: GIB }),
    "1MiB",
    "Largest request body that is kept so that the request can be sent again.",
  ),
  "replay.answer": standard(
    byteSize({ min: 0, max: GIB }),
    "32KiB",
    "Largest answer that is held until it is complete, so that a host that dies in the middle of it costs only a wait.",
  ),
  "replay.policy": standard(
    oneOf("keyed", "safe", "never"),
    "keyed",
    "What is sent again after a broken connection: `keyed` every request (writes by their key), `safe` only GET, HEAD and OPTIONS, `never` none.",
  ),
  reads: standard(
    oneOf("auto", "check", "barrier"),
    "auto",
    "How a linearizable read is proven: `check` looks at the next slot, `barrier` publishes an empty batch, `auto` picks by the mount.",
  ),
  "idempotency.client": standard(
    duration({ min: MINUTE, max: 720 * HOUR }),
    "24h",
    "Life of a client's `Idempotency-Key`, in log time.",
  ),
  "idempotency.proxy": standard(
    duration({ min: MINUTE, max: 24 * HOUR }),
    "10m",
    "Life of a proxy's own key, in log time; longer than `park.wait`.",
  ),
} as const;

type PoolSettings = typeof POOL_SETTINGS;
/** What holds for each pool that does not say otherwise. */
export type PoolSettingKey = keyof PoolSettings;
type PoolOverrides = {
  readonly [Key in keyof PoolSettings as `pools[].${Key}`]: Setting<
    Checked<PoolSettings[Key]>,
    { type: "derived"; from: string }
  >;
};

type TlsPart = "cert" | "key" | "ca";
type TlsSettings = {
  readonly [Key in `tls.${TlsSection}.${TlsPart}`]: Setting<string, { type: "derived"; from: string }>;
};

export const SETTINGS = {
  cluster: needed(clusterName, "Name of the cluster; every message and the vault carry it."),
  "secret.file": derived(
    filePath,
    "`cluster.key`, unless `secret.env` is given",
    "File with the cluster's secret, readable by its owner only: up to 8 keys, each of at least 32 bytes in hex or base64. The first signs, all are accepted; a change is taken into use at once.",
  ),
  "secret.env": derived(
    variable,
    "none",
    "Environment variable with the secret, instead of a file; keys are separated by white space.",
  ),
  "vault.directory": needed(filePath, "The folder that all hosts see."),
  "vault.id": derived(
    vaultId,
    "none until `hotspare init` writes it",
    "Identity of the vault; a host on another vault refuses to start.",
  ),
  "proxies[].id": needed(nodeId, "Name of the proxy, unique in the cluster."),
  "proxies[].listen": needed(address, "Where clients connect: the address to bind to."),
  "proxies[].admin": needed(address, "Admin listener; keep it on loopback or a private network."),
  "proxies[].advertise": derived(address, "as `listen`", "Where clients reach the proxy, if not at `listen`."),
  "proxies[].gossip": derived(address, "as `admin`", "Where other proxies reach this one."),
  "proxies[].workers": standard(count({ min: 1, max: 64 }), 1, "Processes that carry requests; 1 is the proxy's own."),
  "proxies[].trust": derived(
    networks,
    "nobody",
    "Proxies of your own before this one: what they say of the client (`Forwarded`, `X-Forwarded-*`) is passed on.",
  ),
  "proxies[].accessLog": standard(flag, false, "Whether each request leaves a line in the log."),
  "hosts[].id": needed(nodeId, "Name of the host, unique in the cluster."),
  "hosts[].listen": needed(address, "Where the application answers: the address to bind to."),
  "hosts[].control": needed(address, "Heartbeats, orders and probes."),
  "hosts[].advertise": derived(address, "as `listen`", "Where proxies reach the application, if not at `listen`."),
  "hosts[].data": needed(filePath, "The host's own folder, on a local disk, never inside the vault."),
  "hosts[].mode": standard(oneOf("primary", "restore"), "restore", "First role only, in a vault without history."),
  "hosts[].candidate": standard(flag, true, "Whether it may ever take over."),
  "hosts[].vault": derived(filePath, "as `vault.directory`", "This host's own mount point of the vault."),
  "pools[].id": needed(poolId, "Name of the pool, unique in the cluster."),
  "pools[].app": standard(application, "spaces", "The application."),
  "pools[].routes[].host": derived(routeHost, "any", "Host name of the requests that the pool serves."),
  "pools[].routes[].path": standard(
    routePath,
    "/",
    "Path at which the requests begin that the pool serves, by whole segments; the longest wins.",
  ),
  "pools[].preferred": derived(
    nodeIds,
    "all candidates, those with `mode: primary` first; each pool begins with another one",
    "Hosts in the order in which they should own the pool.",
  ),
  "health.interval": standard(duration({ min: 10, max: MINUTE }), "250ms", "Time between two heartbeats."),
  "health.timeout": standard(
    duration({ min: 10, max: MINUTE }),
    "250ms",
    "A heartbeat that is not answered in this time is missed.",
  ),
  "health.failures": standard(
    count({ min: 1, max: 100 }),
    3,
    "Missed heartbeats in a row that make a host suspect of being down.",
  ),
  "health.hang": standard(
    duration({ min: 100, max: HOUR }),
    "10s",
    "A host whose main thread has not ticked for so long is down.",
  ),
  "health.grace": standard(
    duration({ min: 0, max: 10 * MINUTE }),
    "0",
    "How long a refused connection may last before it counts, so that a supervisor can restart the host in place.",
  ),
  "health.storage": standard(
    duration({ min: 100, max: HOUR }),
    "10s",
    "A primary that could not write to the vault for so long is replaced, if another host can.",
  ),
  "health.stable": standard(
    duration({ min: 0, max: HOUR }),
    "2s",
    "A host that came back is no candidate before it was well for so long.",
  ),
  "health.damp": standard(
    duration({ min: 0, max: HOUR }),
    "10s",
    "After several takeovers in a short time, the longest that a reason other than a dead process must last for the next one.",
  ),
  "gossip.interval": standard(duration({ min: 20, max: MINUTE }), "500ms", "Time between two rounds of gossip."),
  "gossip.fanout": standard(count({ min: 1, max: 16 }), 2, "Proxies that each round of gossip goes to."),
  "gossip.forget": standard(
    duration({ min: SECOND, max: 720 * HOUR }),
    "1h",
    "What a proxy said that has been dead for so long is forgotten.",
  ),
  "clock.offset": standard(
    duration({ min: 10, max: HOUR }),
    "500ms",
    "A node whose clock is certainly further than that from the median of at least three nodes quarantines itself.",
  ),
  "takeover.timeout": standard(
    duration({ min: 100, max: HOUR }),
    "10s",
    "An owner that does not serve within this time is down.",
  ),
  cleanDelay: standard(
    duration({ min: SECOND, max: 720 * HOUR }),
    "10m",
    "How long deleted names may still be believed absent by a node that slept; well above what the share may cache (1h on a network file system).",
  ),
  rejoin: standard(
    oneOf("auto", "manual"),
    "auto",
    "Whether a deposed host becomes a standby by itself, or waits, also over restarts, until `hotspare reenrol` has been run for it.",
  ),
  failback: standard(
    oneOf("auto", "manual"),
    "manual",
    "Whether a primary hands its pool over to a host that is preferred over it (`pools[].preferred`), once that one is fit again.",
  ),
  failbackStable: standard(
    duration({ min: SECOND, max: 168 * HOUR }),
    "5m",
    "With `failback: auto`: for how long such a host must be fit without a break, and the primary have served.",
  ),
  ...HOOK_SETTINGS,
  ...tlsSettings(),
  ...POOL_SETTINGS,
  ...poolOverrides(),
} as const;

export type SettingKey = keyof typeof SETTINGS;
type Checked<S> = S extends Setting<infer T, infer _> ? T : never;
/** What reading a key gives; `null` only where what holds instead is worked out. */
export type SettingValue<Key extends SettingKey> =
  (typeof SETTINGS)[Key] extends Setting<infer T, infer F> ? (F["type"] extends "derived" ? T | null : T) : never;

function tlsSettings(): TlsSettings {
  const where: Readonly<Record<TlsSection, string>> = {
    public: "clients to proxies (`proxies[].listen`)",
    admin: "`proxies[].admin`",
    control: "messages between nodes (`hosts[].control`, `proxies[].gossip`)",
    data: "proxies to hosts (`hosts[].listen`)",
  };
  const rows = TLS_SECTIONS.flatMap((section) => [
    [
      `tls.${section}.cert`,
      derived(filePath, "no TLS", `TLS for ${where[section]}: the certificate and its chain, PEM.`),
    ],
    [`tls.${section}.key`, derived(filePath, "no TLS", "Its private key, PEM, without a passphrase.")],
    [
      `tls.${section}.ca`,
      derived(filePath, "none", "CA that must have signed what the other side shows; it then must show a certificate."),
    ],
  ]);
  return Object.fromEntries(rows) as TlsSettings;
}

function poolOverrides(): PoolOverrides {
  const rows = Object.entries(POOL_SETTINGS).map(([key, { check, description }]) => [
    `pools[].${key}`,
    derived(check as Check<unknown>, `as \`${key}\``, description),
  ]);
  return Object.fromEntries(rows) as PoolOverrides;
}
