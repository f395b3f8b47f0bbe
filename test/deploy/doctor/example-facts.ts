/** A cluster on two machines in which all is well, as the doctor sees it; tests spoil one thing each. */
import type { Facts, HostFacts } from "../../../deploy/cli/doctor/facts.ts";
import type { Config } from "../../../shared/config/config.ts";
import { NO_DECISIONS } from "../../../shared/revisions/decisions.ts";
import type { HostReport, PoolReport } from "../../../shared/wire/reports.ts";
import { configOf } from "../../shared/config/example-config.ts";

export const VAULT_ID = "5".repeat(32);

export const config: Config = configOf(`cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault, id: ${VAULT_ID} }
proxies:
  - { id: proxy-1, listen: "10.0.0.1:8080", admin: "127.0.0.1:8090", gossip: "10.0.0.1:8092" }
  - { id: proxy-2, listen: "10.0.0.2:8080", admin: "127.0.0.1:8091", gossip: "10.0.0.2:8092" }
hosts:
  - { id: host-a, listen: "10.0.0.1:7100", control: "10.0.0.1:7101", data: ./a, mode: primary }
  - { id: host-b, listen: "10.0.0.2:7100", control: "10.0.0.2:7101", data: ./b }
`);

export const pool = (more: Partial<PoolReport> = {}): PoolReport => ({
  pool: "main",
  role: "standby",
  serving: false,
  fence: null,
  slot: 7,
  lsn: 9,
  logTimeMs: 0,
  lagMs: 3,
  unfit: null,
  alarm: null,
  takingOver: false,
  ...more,
});

export const report = (more: Partial<HostReport> = {}, entry: Partial<PoolReport> = {}): HostReport => ({
  host: "host-b",
  bootId: "b".repeat(32),
  vaultId: VAULT_ID,
  version: "0.1.0",
  node: "24.21.0",
  configHash: config.hash,
  mainTickAgeMs: 5,
  probe: { ok: true, ageMs: 100, latencyMs: 1 },
  candidate: true,
  pools: [pool(entry)],
  quarantined: null,
  keys: ["1".repeat(16)],
  ...more,
});

const [hostA, hostB] = config.hosts as [Config["hosts"][number], Config["hosts"][number]];
const well = { clock: { offsetMs: 0, errorMs: 3 }, reason: null, stranger: null, unreached: null };
export const primary: HostFacts = {
  host: hostA,
  report: report({ host: "host-a" }, { role: "primary", serving: true }),
  ...well,
};
export const standby: HostFacts = { host: hostB, report: report(), ...well };

/** The standby as `more` makes it. */
export const withStandby = (more: Partial<HostFacts>): Facts => facts({ hosts: [primary, { ...standby, ...more }] });

const proxyAnswer = (id: string) => ({
  id,
  health: "up",
  agrees: true,
  reason: null,
  clockOffsetMs: 0,
  clockErrorMs: 1,
  quarantined: null,
  offline: null,
  version: "0.1.0",
  configHash: config.hash,
  configProblem: null,
  pendingRestart: [],
  speaks: null,
  node: null,
  keys: null,
  protocol: null,
});

export const seen: Extract<Facts["vault"], { seen: true }> = {
  seen: true,
  directory: "/vault",
  mount: { type: "nfs4", mountPoint: "/vault", source: "nas:/v", options: ["rw", "hard", "lookupcache=pos"] },
  space: { freeBytes: 1024 ** 4, freeInodes: 1e6 },
  unfit: null,
  pools: [{ pool: "main", checkpointMs: 1_700_000_000_000, recordsSince: 40, broken: null }],
  hints: [
    { host: "host-a", moves: true, lateMs: 12 },
    { host: "host-b", moves: true, lateMs: null },
  ],
};

export const facts = (more: Partial<Facts> = {}): Facts => ({
  config: { ...config, cleanDelayMs: 3_600_000 },
  wallMs: 1_700_000_060_000,
  own: new Set(["host-a", "proxy-1"]),
  version: "0.1.0",
  runtime: "24.21.0",
  status: {
    cluster: "demo",
    configHash: config.hash,
    pools: [{ id: "main", state: "serving", epoch: 3, primary: "host-a", slot: 7, standbys: [], parked: 0 }],
    hosts: [],
    proxies: [proxyAnswer("proxy-1"), proxyAnswer("proxy-2")],
    clockReference: "proxy-1",
    clockDispute: null,
    maintenance: null,
    source: "proxies",
  },
  hosts: [primary, standby],
  proxies: config.proxies.map((proxy) => ({ proxy, refused: null, unreached: null })),
  decisions: NO_DECISIONS,
  secret: { source: "/cluster/cluster.key", isFile: true, trouble: null, keys: 1 },
  tls: [],
  vault: seen,
  ...more,
});
