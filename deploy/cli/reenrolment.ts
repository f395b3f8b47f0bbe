/**
 * Bringing a host back that was deposed and waits: tells it to follow, waits until it is warm in each pool and until the
 * proxies see it, and says each step. Safe to do twice, and to interrupt at any moment: the next one goes on.
 */
import { sleep } from "../../shared/clock.ts";
import { formatAddress, type HostConfig } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { NodeSockets } from "../../shared/sockets.ts";
import type { HostReport } from "../../shared/wire/reports.ts";
import type { ClusterLink, ClusterWord } from "./cluster-link.ts";
import { clusterStatus, type ClusterStatus } from "./cluster-status.ts";
import type { CommandContext } from "./command.ts";
import { warmthOf } from "./node/warmth.ts";

export interface ReenrolmentOptions {
  readonly link: ClusterLink;
  readonly host: HostConfig;
  readonly sockets: Pick<NodeSockets, "admin" | "control">;
  readonly context: CommandContext;
  /** Told of each step, once. */
  readonly say: (step: string) => void;
}

/** Between two looks. */
const LOOK_MS = 200;
const ENROL_MS = 10_000;
/** A large checkpoint takes its time to be restored. */
const WAIT_MS = 60 * 60_000;

export class Reenrolment {
  readonly #options: ReenrolmentOptions;
  #said: string | null = null;
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(options: ReenrolmentOptions) {
    this.#options = options;
  }

  /** What it still lacks; `null`: nothing. @throws {HotspareError} HS_UNREACHABLE, which says how it is started. */
  lacks(word: ClusterWord): string | null {
    const { host, link } = this.#options;
    const said = word.hosts.find((other) => other.host.id === host.id);
    if (said === undefined || said.report === null) throw this.#unreachable(said?.reason ?? "it is not configured");
    return warmthOf(link.config, host.id, word);
  }

  /** @throws {HotspareError} HS_UNREACHABLE if it falls silent, HS_OPERATION_BUSY if it takes more than an hour. */
  async run(): Promise<void> {
    const { context } = this.#options;
    this.#untilMs = context.clock.monotonicMs() + WAIT_MS;
    await this.#warm();
    await this.#seen();
  }

  async #warm(): Promise<void> {
    const { link, host } = this.#options;
    for (;;) {
      const word = await link.ask();
      const lacks = this.lacks(word);
      if (lacks === null) return this.#say("it is warm: a standby at the head of each pool, or the primary");
      this.#say(lacks);
      const report = word.hosts.find((other) => other.host.id === host.id)?.report;
      if (report && isFenced(report)) await this.#enrol(report);
      await this.#pause(lacks);
    }
  }

  async #enrol({ bootId }: HostReport): Promise<void> {
    const { link, host } = this.#options;
    await link.send("enrol", { id: host.id, address: host.control }, { bootId }, ENROL_MS);
    this.#say("it was told to follow");
  }

  /** Proxies of other machines cannot be asked from here, but those that can hear of it. */
  async #seen(): Promise<void> {
    const { link, host, sockets, context } = this.#options;
    await link.look(host.id);
    for (;;) {
      const status = await clusterStatus(link.config, { sockets, clock: context.clock });
      const blind = blindTo(status, host.id);
      if (blind === null) return this.#say(`the proxies that can be asked see it up: ${answering(status)}`);
      this.#say(blind);
      await this.#pause(blind);
    }
  }

  async #pause(why: string): Promise<void> {
    const { context, host } = this.#options;
    if (context.clock.monotonicMs() >= this.#untilMs)
      throw new HotspareError("HS_OPERATION_BUSY", { what: host.id, first: why });
    await sleep(context.clock, LOOK_MS);
  }

  #say(step: string): void {
    // It catches up: told once, not at every slot.
    const kind = step.replace(/\d+/g, "n");
    if (kind !== this.#said) this.#options.say(`${this.#options.host.id}: ${step}`);
    this.#said = kind;
  }

  #unreachable(why: string): HotspareError {
    const { host, link } = this.#options;
    const start = `start it on its machine: systemctl start hotspare-host@${host.id}, or hotspare host --id ${host.id} --config ${link.config.file}`;
    const reason = `${why}; ${start}`;
    return new HotspareError("HS_UNREACHABLE", { what: host.id, address: formatAddress(host.control), reason });
  }
}

const isFenced = ({ pools }: HostReport): boolean => pools.some(({ role }) => role === "fenced");

function blindTo({ source, hosts }: ClusterStatus, id: string): string | null {
  if (source !== "proxies") return null;
  const seen = hosts.find((host) => host.id === id);
  return seen?.health === "up"
    ? null
    : `the proxies do not see it up yet: ${seen?.reason ?? seen?.health ?? "unknown"}`;
}

const answering = ({ proxies, source }: ClusterStatus): string =>
  (source === "proxies" ? proxies.filter(({ agrees }) => agrees !== null).map(({ id }) => id) : []).join(", ") ||
  "none";
