/** What all hosts together say of the pool, as a run waits for it: whether somebody serves, and whether all others follow. */
import type { Nemesis } from "./nemesis.ts";

export interface ClusterState {
  /** The highest that any host knows. */
  readonly epoch: number;
  readonly serving: boolean;
  /** There is one primary, and so many standbys are near its head. */
  readonly following: number;
  /** One primary, and all others near the head. */
  readonly settled: boolean;
  /** For people. */
  readonly text: string;
}

const NEAR_SLOTS = 50;

export async function readClusterState(nemesis: Nemesis, hosts: number): Promise<ClusterState> {
  const named = await nemesis.reports();
  const reports = named.map(({ report }) => report);
  const primary = reports.filter(({ serving }) => serving);
  const headSlot = (primary[0]?.slot ?? Infinity) - NEAR_SLOTS;
  const following = reports.filter(({ role, slot }) => role === "standby" && slot >= headSlot);
  return {
    epoch: Math.max(0, ...reports.map(({ epoch }) => epoch)),
    serving: primary.length > 0,
    following: primary.length === 1 ? following.length : 0,
    settled: primary.length === 1 && following.length === hosts - 1,
    text: named.map(({ id, report }) => `${id} ${report.role} ${report.slot}`).join(", "),
  };
}
