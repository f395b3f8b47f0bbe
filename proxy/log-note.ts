/** What a change looks like in the log: one line each, with names that agree with metrics and docs. */
import type { Logger } from "pino";
import { unreachable } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Note } from "./core/note.ts";
import type { AccessEntry } from "./relay/access-entry.ts";

export function logNote(log: Logger, note: Note): void {
  switch (note.type) {
    case "verdict": {
      const { host, from, verdict } = note;
      const level = verdict.type === "down" || verdict.type === "suspect" ? "warn" : "info";
      const reason = "reason" in verdict ? verdict.reason : undefined;
      return log[level](
        { event: "verdict", host, from, verdict: verdict.type, reason },
        `host ${host} is ${verdict.type}`,
      );
    }
    case "quarantine": {
      const { node, reason } = note;
      return reason === null
        ? log.info({ event: "quarantine", node, reason }, `the clock of ${node} is trusted again`)
        : log.warn({ event: "quarantine", node, reason }, `${node} distrusts its clock`);
    }
    case "pool": {
      const { pool, from, state, cause } = note;
      const level = state === "serving" ? "info" : "warn";
      return log[level]({ event: "pool", pool, from, state, cause }, `pool ${pool} is ${state}`);
    }
    case "ordered": {
      const { pool, host, fence, cause, votes } = note;
      return log.warn(
        { event: "ordered", pool, host, fence, cause, votes },
        `ordered ${host} to take over pool ${pool}: ${cause}`,
      );
    }
    case "proxy": {
      const { proxy, from, state } = note;
      const level = state === "suspect" || state === "dead" ? "warn" : "info";
      return log[level]({ event: "proxy", proxy, from, state }, `proxy ${proxy} is ${state}`);
    }
    case "order-ended": {
      const { pool, host, outcome, reason } = note;
      const level = outcome === "serving" || outcome === "accepted" ? "info" : "warn";
      return log[level](
        { event: "order-ended", pool, host, outcome, reason },
        `order to ${host} for pool ${pool}: ${outcome}`,
      );
    }
    case "decided": {
      const { revision, offline, maintenance } = note;
      return log.info({ event: "decided", revision, offline, maintenance }, `operators' revision ${revision} holds`);
    }
    case "served": {
      const { pool, host, epoch, phases } = note;
      return log.info(
        { event: "served", pool, host, epoch, phases },
        `pool ${pool} is served by ${host} in epoch ${epoch}`,
      );
    }
    default:
      return unreachable(note);
  }
}

/** A node has no version of the protocol in common with this proxy, or (`null`) has one again. */
export function logProtocol(log: Logger, node: NodeId, problem: string | null): void {
  if (problem === null) log.info({ event: "protocol", node }, `${node} and this proxy understand one another again`);
  else log.warn({ event: "protocol", node, problem }, `${node} and this proxy do not understand one another`);
}

export function logWorkerStarted(
  log: Log,
  fields: { readonly worker: number; readonly pid: number | undefined },
): void {
  log.info({ event: "worker-started", ...fields }, "a worker process takes connections");
}

/** `restartMs`: when another one is started. */
export function logWorkerEnded(
  log: Log,
  fields: { readonly worker: number; readonly reason: string; readonly restartMs: number },
): void {
  log.error({ event: "worker-ended", ...fields }, "a worker process ended, and its clients' connections with it");
}

/** One line for each request, where that is configured. */
export function logAccess(log: Log, entry: AccessEntry): void {
  log.info({ event: "request", ...entry }, "a request ended");
}
