/**
 * How others know of this host, and what it knows of the vault by writing to it: its write probe, its reports to the control
 * thread, its file under `hosts/`, and its votes on others.
 */
import type { Clock } from "../shared/clock.ts";
import type { HealthConfig, HostConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import type { BootId, NodeId } from "../shared/ids.ts";
import { programVersion } from "../shared/program-version.ts";
import type { Vault } from "../shared/vault/vault.ts";
import { WriteProbe } from "../shared/vault/write-probe.ts";
import type { Answer } from "../shared/wire/messages.ts";
import type { Control } from "./control.ts";
import { HintWriter, type HintWriterOptions } from "./hint-writer.ts";
import type { HeartbeatSender } from "./owner-probe.ts";
import type { HostedPool } from "./pool.ts";
import { Reporter } from "./reporter.ts";
import { Voting } from "./voting.ts";

export interface PresenceOptions {
  readonly self: NodeId;
  readonly bootId: BootId;
  readonly hosts: () => readonly HostConfig[];
  readonly health: () => HealthConfig;
  readonly pools: HintWriterOptions["pools"];
  readonly vault: Vault;
  readonly control: Pick<Control, "publish" | "probe">;
  /** Whether this host was removed from the cluster: then it leaves no trace in the vault. */
  readonly removed: boolean;
  /** To other hosts. */
  readonly client: HeartbeatSender;
  readonly clock: Clock;
}

const PROBE = { intervalMs: 500, timeoutMs: 2000 } as const;

export class Presence {
  readonly #clock: Clock;
  readonly #probe: WriteProbe;
  readonly #reporter: Reporter;
  readonly #hints: HintWriter | null;
  readonly #voting: Voting;
  readonly #abort = new AbortController();

  constructor(options: PresenceOptions) {
    const { self, bootId, hosts, health, pools: open, vault, control, client, clock, removed } = options;
    const pools = open.map(({ hosted }) => hosted);
    const probe = new WriteProbe({ vault, host: self, clock, ...PROBE });
    this.#clock = clock;
    this.#probe = probe;
    if (!removed) void probe.run(this.#abort.signal);
    this.#reporter = new Reporter({ pools, control, probe, clock });
    const hinted = { vault, host: self, bootId, version: programVersion(), pools: open, clock };
    this.#hints = removed ? null : new HintWriter(hinted);
    this.#voting = new Voting({ self, hosts, health, pools, vault, probe, client, clock });
  }

  /** Or could have, were it another process. */
  wroteSince(sinceMs: number): boolean {
    const { distrusted, ok, ageMs } = this.#probe.report();
    return distrusted || (ok && this.#clock.monotonicMs() - ageMs > sinceMs);
  }

  /** @param fence id of the fence whose owner is doubted; `null`: nobody has begun yet. */
  vote(pool: HostedPool, fence: string | null): Promise<Answer<"vote">> {
    return this.#voting.vote(pool, fence);
  }

  /** It was removed from the cluster, or stops: it writes nothing any more. */
  fallSilent(): void {
    this.#hints?.stop();
    this.#abort.abort(new HotspareError("HS_INTERNAL", { what: "the host is part of the cluster" }));
  }

  stop(): void {
    this.fallSilent();
    this.#reporter.stop();
    this.#voting.stop();
  }
}
