/** What `hotspare status` prints for people. */
import { createColors } from "picocolors";
import { isServed, type ClusterStatus, type HostStatus } from "./cluster-status.ts";
import { printable } from "./printable.ts";
import { maintenanceText } from "./maintenance-text.ts";
import { plainTable } from "./plain-table.ts";

/** A host says so of itself while it was never at the head of the journal. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export interface StatusLook {
  readonly colours: boolean;
  /** Ids of the nodes that are to be marked as this machine's. */
  readonly own: ReadonlySet<string>;
}

export function statusText(status: ClusterStatus, look: StatusLook): string {
  const { colours } = look;
  const { bold, yellow } = createColors(colours);
  const source = {
    proxies: "",
    hosts: " (no proxy answers: as the hosts say)",
    nobody: " (nobody answers)",
  }[status.source];
  const tables = [poolTable(status, colours), hostTable(status, look), proxyTable(status, look)];
  const ownLine = look.own.size === 0 ? [] : ["*: on this machine"];
  const maintenance = status.maintenance === null ? [] : [yellow(maintenanceText(status.maintenance))];
  return [
    `${bold(`cluster ${status.cluster}`)}${source}`,
    ...maintenance,
    ...tables,
    ...ownLine,
    ...clockLines(status, colours),
  ].join("\n\n");
}

const nodeName = (id: string, own: ReadonlySet<string>): string => (own.has(id) ? `${id} *` : id);

/** Without blame where there is none to give. */
function clockLines({ clockReference, clockDispute }: ClusterStatus, colours: boolean): readonly string[] {
  const { yellow } = createColors(colours);
  const reference = clockReference === null ? [] : [`clock: ms ahead of that of ${printable(clockReference)}`];
  return clockDispute === null ? reference : [...reference, yellow(printable(clockDispute))];
}

function poolTable({ pools }: ClusterStatus, colours: boolean): string {
  const { green, red } = createColors(colours);
  const rows = pools.map((pool) => [
    pool.id,
    (isServed(pool) ? green : red)(pool.state),
    pool.epoch,
    pool.state === "unknown" ? null : (pool.primary ?? "none"),
    pool.slot,
    pool.standbys.map(({ host, slot, lagMs }) => `${host} at ${slot} (${lagText(lagMs)})`).join(", "),
    pool.parked,
    printable(pool.trouble ?? ""),
  ]);
  return plainTable(["pool", "state", "epoch", "primary", "slot", "standbys", "parked", "remarks"], rows);
}

function hostTable({ hosts, configHash }: ClusterStatus, { colours, own }: StatusLook): string {
  const rows = hosts.map((host) => [
    nodeName(host.id, own),
    healthText(host.health, colours),
    host.health === "up" ? host.role : null,
    host.version,
    clockText(host),
    printable(remarksOn(host, configHash).join("; ")),
  ]);
  return plainTable(["host", "health", "role", "version", "clock", "remarks"], rows);
}

function remarksOn(host: HostStatus, ownHash: string): readonly string[] {
  const { reason, alarms, protocol } = host;
  return [
    ...offlineRemark(host),
    ...(reason === null ? [] : [reason]),
    ...(protocol === null || protocol === undefined ? [] : [protocol]),
    ...quarantineRemark(host),
    ...configRemarks(host, ownHash),
    ...alarms,
  ];
}

type Configured = Pick<HostStatus, "configHash" | "configProblem"> & {
  readonly pendingRestart?: readonly string[] | undefined;
};

function configRemarks(
  { configHash, configProblem = null, pendingRestart = [] }: Configured,
  ownHash: string,
): string[] {
  return [
    ...(configHash !== null && configHash !== ownHash ? ["another configuration"] : []),
    ...(pendingRestart.length === 0 ? [] : [`needs a restart for ${pendingRestart.join(", ")}`]),
    ...(configProblem === null ? [] : [`its configuration file is not right: ${configProblem}`]),
  ];
}

const offlineRemark = ({ offline }: { readonly offline?: string | null }): readonly string[] =>
  offline === null || offline === undefined ? [] : [offline];

const quarantineRemark = ({ quarantined }: { readonly quarantined?: string | null }): readonly string[] =>
  quarantined === null || quarantined === undefined ? [] : [`in quarantine: ${quarantined}`];

/** An older proxy does not say how wrong it may be. */
function clockText({ clockOffsetMs, clockErrorMs }: Clocked): string | null {
  if (clockOffsetMs === null || clockOffsetMs === undefined) return null;
  const error = clockErrorMs === null || clockErrorMs === undefined ? "" : ` ± ${clockErrorMs.toFixed(1)}`;
  return `${clockOffsetMs.toFixed(1)}${error}`;
}

type Clocked = Pick<HostStatus, "clockOffsetMs" | "clockErrorMs">;

function proxyTable({ proxies, configHash }: ClusterStatus, { colours, own }: StatusLook): string {
  const rows = proxies.map((proxy) => [
    nodeName(proxy.id, own),
    healthText(proxy.health, colours),
    proxy.agrees === null ? null : proxy.agrees ? "yes" : "no",
    clockText(proxy),
    printable(
      [proxy.reason, proxy.protocol]
        .filter((remark) => remark !== null)
        .concat(offlineRemark(proxy), quarantineRemark(proxy), configRemarks(proxy, configHash))
        .join("; "),
    ),
  ]);
  return rows.length === 0 ? "no proxies" : plainTable(["proxy", "health", "agrees", "clock", "remarks"], rows);
}

function healthText(health: string, colours: boolean): string {
  const { green, red, yellow } = createColors(colours);
  const colour = { up: green, down: red }[health] ?? yellow;
  return colour(health);
}

const lagText = (lagMs: number): string => (lagMs >= NEVER_MS ? "not yet caught up" : `${Math.round(lagMs)} ms`);
