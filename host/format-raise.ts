/**
 * Raises the version that a pool is written in to the newest that this host knows, once every configured host says that it
 * reads it. A host that cannot be asked is a refusal: it may come back as it was, and could not pass what follows. One that
 * comes back all the same, against what it said, refuses to start; so nothing rests on the answers but that it need not.
 */
import type { Clock } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId, PoolId } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import { FIRST_FORMATS, RECORD_FORMATS, rangeOf } from "../shared/journal/record-formats.ts";
import type { Log } from "../shared/log.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import { probeOwner, type HeartbeatSender } from "./owner-probe.ts";

/** What it needs of the pool. */
export interface RaisedPool {
  readonly id: PoolId;
  readonly servedHead: Head | null;
  raiseFormat(version: number): Promise<Head>;
}

export interface FormatRaiseOptions {
  readonly self: NodeId;
  readonly hosts: () => readonly Pick<HostConfig, "id" | "control">[];
  readonly client: HeartbeatSender;
  readonly clock: Clock;
  readonly log: Log;
}

/** For each of at most two tries of each host. */
const TIMEOUT_MS = 2000;

export class FormatRaise {
  readonly #options: FormatRaiseOptions;
  readonly #abort = new AbortController();

  constructor(options: FormatRaiseOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#abort.abort(new Error("the host stops"));
  }

  /** @throws {HotspareError} HS_NOT_PRIMARY; HS_UPGRADE_WAITS, naming who does not read the version. */
  async finish(pool: RaisedPool, { dryRun }: Request<"finish-upgrade">): Promise<Answer<"finish-upgrade">> {
    const to = RECORD_FORMATS.max;
    const from = versionOf(pool);
    if (from >= to) return { from, to: from, raised: false, slot: 0 };
    const problems = await this.#problems(to);
    if (problems.length > 0) throw new HotspareError("HS_UPGRADE_WAITS", { reason: problems.join("; ") });
    if (dryRun) return { from, to, raised: false, slot: 0 };
    const { slot } = await pool.raiseFormat(to);
    this.#options.log.info({ pool: pool.id, from, to, slot }, "the pool is written in a newer version");
    return { from, to, raised: true, slot };
  }

  async #problems(to: number): Promise<readonly string[]> {
    const { self, hosts } = this.#options;
    const others = hosts().filter(({ id }) => id !== self);
    const found = await Promise.all(others.map((host) => this.#problemOf(host, to)));
    return found.filter((problem) => problem !== null);
  }

  async #problemOf(host: Pick<HostConfig, "id" | "control">, to: number): Promise<string | null> {
    const { client, clock } = this.#options;
    const asked = await probeOwner(host, { client, clock, timeoutMs: TIMEOUT_MS, signal: this.#abort.signal });
    if (asked.type !== "report") return `${host.id} cannot be asked (${asked.reason}): ${bringBack(host.id)}`;
    const { version, formats } = asked.report;
    const reads = formats?.records ?? FIRST_FORMATS;
    if (reads.min <= to && to <= reads.max) return null;
    return `${host.id} (Hotspare ${version}) reads records of version ${rangeOf(reads)}, not ${to}: update it first`;
  }
}

/** What to do about a node that does not answer. One that is only offline by decision may come back, too. */
export const bringBack = (node: string): string =>
  `start it, or, if it never comes back, hotspare node offline ${node} and node remove ${node}`;

function versionOf({ id, servedHead }: RaisedPool): number {
  if (servedHead === null) throw new HotspareError("HS_NOT_PRIMARY", { pool: id });
  return servedHead.writeVersion;
}
