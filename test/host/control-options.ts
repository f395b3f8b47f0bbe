/** A host's control listener on a port of its own, for tests that say what differs. */
import { expect } from "vitest";
import type { ControlHandlers, ControlOptions } from "../../host/control.ts";
import type { ControlTuning } from "../../host/control-link.ts";
import { quarantineRules } from "../../shared/clocks/quarantine.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { HOST, HOST_BOOT, SECRET } from "../shared/wire/nodes.ts";

/** Handlers that all say `reason`. */
export function refusing(reason: string): ControlHandlers {
  const never = (): Promise<never> => Promise.reject(new Error(reason));
  return {
    promote: never,
    appended: never,
    vote: never,
    checkpoint: never,
    handover: never,
    decide: never,
    revisions: never,
    enrol: never,
    configuration: never,
    "finish-upgrade": never,
  };
}

export const CONTROL_TUNING: ControlTuning = {
  stalledMs: 10_000,
  voteWaitMs: 5000,
  quarantine: quarantineRules(500, 250),
  standing: { configHash: "c", candidate: true, configProblem: null, pendingRestart: [] },
};

export const controlOptions = (handlers: ControlHandlers, more: Partial<ControlOptions> = {}): ControlOptions => ({
  host: { id: HOST, control: { host: "127.0.0.1", port: 0 } },
  cluster: "demo",
  secret: SECRET,
  bootId: HOST_BOOT,
  vaultId: null,
  version: "0.1.0",
  files: { configuration: "/absent/hotspare.yaml", secret: { file: "/absent/cluster.key" } },
  tuning: CONTROL_TUNING,
  clock: systemClock,
  onFailed: (error) => expect.unreachable(String(error)),
  handlers,
  ...more,
});
