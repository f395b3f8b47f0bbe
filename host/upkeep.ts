/**
 * What goes on beside a pool on each host: receipts of takeovers, cleaning and help for stuck nodes while it serves,
 * comparing states always.
 */
import type { Clock } from "../shared/clock.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { programVersion } from "../shared/program-version.ts";
import type { Vault } from "../shared/vault/vault.ts";
import { Cleaner } from "./cleaner.ts";
import type { Attest } from "./host-parts.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { PoolFolder } from "./pool-folder.ts";
import type { HostedPool } from "./pool.ts";
import { ReceiptWriter } from "./receipt-writer.ts";
import { StateWatch } from "./state-watch.ts";
import { StuckWatch } from "./stuck-watch.ts";

export interface UpkeepOptions {
  readonly self: NodeId;
  readonly pool: HostedPool;
  readonly checkpoints: PoolCheckpoints;
  readonly folder: PoolFolder;
  readonly vault: Vault;
  readonly vaultDirectory: string;
  readonly hosts: () => readonly NodeId[];
  /** Checkpoints that are kept. */
  readonly keep: () => number;
  readonly cleanDelayMs: () => number;
  readonly attest: Attest;
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns the stop. */
export function startUpkeep(options: UpkeepOptions): () => void {
  const { self, folder, hosts } = options;
  const receipts = new ReceiptWriter({ ...options, version: programVersion() });
  const cleaner = new Cleaner({ ...options, temporary: folder.attestFolder });
  const others = (): readonly NodeId[] => hosts().filter((id) => id !== self);
  const stuck = new StuckWatch({ ...options, hosts: others });
  const states = new StateWatch({ ...options, hosts: others });
  return () => {
    receipts.stop();
    cleaner.stop();
    stuck.stop();
    states.stop();
  };
}
