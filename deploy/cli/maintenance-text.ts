/** A maintenance for people: who, since when, until when, why. */
import type { MaintenanceStatus } from "./cluster-status.ts";
import { printable } from "./printable.ts";
import { wallText } from "./wall-text.ts";

export function maintenanceText({ by, atMs, reason, untilMs }: MaintenanceStatus): string {
  const end = untilMs === null ? "" : `, until ${wallText(untilMs)}`;
  return printable(`maintenance by ${by} since ${wallText(atMs)}${end}: ${reason}`);
}
