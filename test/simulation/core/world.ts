/** What everything in one run shares. */
import type { BootId, OriginId, RecordId } from "../../../shared/ids.ts";
import type { Dice } from "../dice.ts";
import type { EventLog } from "../event-log.ts";
import type { History } from "../history.ts";
import type { GossipJudge } from "../gossip-judge.ts";
import type { Ledger } from "../ledger.ts";
import type { Links } from "../links.ts";
import type { Scheduler } from "../scheduler.ts";
import type { SimVault } from "./sim-vault.ts";
import type { Swarm } from "./swarm.ts";

export interface World {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly swarm: Swarm;
  readonly history: History;
  readonly ledger: Ledger;
  readonly gossip: GossipJudge;
  readonly links: Links;
  readonly vault: SimVault;
  readonly log: EventLog;
  /** Something resolved a promise: what awaits it runs before the next event. */
  readonly promised: () => void;
  /** An invariant broke where nothing catches it. */
  readonly failed: (error: unknown) => void;
  readonly newId: <Id extends BootId | RecordId | OriginId>() => Id;
  /** No more faults. */
  readonly healed: () => boolean;
}
