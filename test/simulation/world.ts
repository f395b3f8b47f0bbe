/** What everything in one run shares. */
import type { RegisterCall } from "../checkers/linearizability.ts";
import type { Random } from "../../shared/random.ts";
import type { Dice } from "./dice.ts";
import type { EventLog } from "./event-log.ts";
import type { GossipJudge } from "./gossip-judge.ts";
import type { History } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { Links } from "./links.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimDisk } from "./sim-disk.ts";
import type { SimNet } from "./sim-sockets.ts";
import type { Swarm } from "./swarm.ts";

export interface World {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly random: Random;
  readonly swarm: Swarm;
  readonly disk: SimDisk;
  readonly net: SimNet;
  readonly links: Links;
  readonly history: History;
  readonly ledger: Ledger;
  readonly gossip: GossipJudge;
  readonly log: EventLog;
  /** What clients asked and were told. */
  readonly calls: RegisterCall[];
  /** Where local disks are. */
  readonly folder: string;
  /** Something resolved a promise: what awaits it runs before the next event. */
  readonly promised: () => void;
  /** An invariant broke where nothing catches it. */
  readonly failed: (error: unknown) => void;
  /** Something in the vault was damaged. */
  readonly damaged: () => boolean;
  /** No more faults. */
  readonly healed: () => boolean;
}
