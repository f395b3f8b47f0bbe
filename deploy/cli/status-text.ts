/** What `hotspare status` prints for people. */
import { createColors } from "picocolors";
import { isServed, type ClusterStatus, type HostStatus } from "./cluster-status.ts";
import { printable } from "./printable.ts";
import { plainTable } from "./plain-table.ts";

/** A host says so of itself while it was never at the head of the journal. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export function statusText(status: ClusterStatus, { colours }: { readonly colours: boolean }): string {
  const { bold } = createColors(colours);
  const source = {
    proxies: "",
    hosts: " (no proxy answers: as the hosts say)",
    nobody: " (nobody answers)",
  }[status.source];
  const tables = [poolTable(status, colours), hostTable(status, colours), proxyTable(status, colours)];
  return [`${bold(`cluster ${status.cluster}`)}${source}`, ...tables].join("\n\n");
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
  ]);
  return plainTable(["pool", "state", "epoch", "primary", "slot", "standbys", "parked"], rows);
}

function hostTable({ hosts, configHash }: ClusterStatus, colours: boolean): string {
  const rows = hosts.map((host) => [
    host.id,
    healthText(host.health, colours),
    host.health === "up" ? host.role : null,
    host.version,
    host.clockOffsetMs === null ? null : host.clockOffsetMs.toFixed(1),
    printable(remarksOn(host, configHash).join("; ")),
  ]);
  return plainTable(["host", "health", "role", "version", "clock ms", "remarks"], rows);
}

function remarksOn({ reason, alarms, configHash, protocol }: HostStatus, ownHash: string): readonly string[] {
  const differs = configHash !== null && configHash !== ownHash ? "another configuration" : null;
  return [reason, protocol ?? null, differs].filter((remark) => remark !== null).concat(alarms);
}

function proxyTable({ proxies }: ClusterStatus, colours: boolean): string {
  const rows = proxies.map(({ id, health, agrees, reason, protocol }) => [
    id,
    healthText(health, colours),
    agrees === null ? null : agrees ? "yes" : "no",
    printable([reason, protocol].filter((remark) => remark !== null).join("; ")),
  ]);
  return rows.length === 0 ? "no proxies" : plainTable(["proxy", "health", "agrees", "remarks"], rows);
}

function healthText(health: string, colours: boolean): string {
  const { green, red, yellow } = createColors(colours);
  const colour = { up: green, down: red }[health] ?? yellow;
  return colour(health);
}

const lagText = (lagMs: number): string => (lagMs >= NEVER_MS ? "not yet caught up" : `${Math.round(lagMs)} ms`);
