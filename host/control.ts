/**
 * The main thread's side of the control listener: starts its thread, tells it what changes, shows it by a tick that the main
 * thread lives, and does what other nodes ask for. If the thread ends by itself nobody hears this host any more:
 * `onFailed` must stop the process.
 */
import { Worker } from "node:worker_threads";
import { Registry } from "prom-client";
import type { Cancel, Clock } from "../shared/clock.ts";
import type { Address, HostConfig } from "../shared/config/config.ts";
import { HotspareError, isHotspareError, unreachable } from "../shared/errors.ts";
import type { BootId, NodeId, VaultId } from "../shared/ids.ts";
import type { Decisions } from "../shared/revisions/decisions.ts";
import { threadMetrics } from "../shared/process-metrics.ts";
import { KeyRing, type Secret } from "../shared/signature/key-ring.ts";
import { SMALL_THREAD } from "../shared/thread-memory.ts";
import { threadUrl } from "../shared/thread-url.ts";
import type { TlsIdentity } from "../shared/tls/tls-identity.ts";
import type { MessageRefused } from "../shared/wire/message-server.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import type { PoolReport } from "../shared/wire/reports.ts";
import type {
  Ask,
  CarriedName,
  ControlThreadData,
  ControlTuning,
  ToMain,
  ToThread,
  VaultProbe,
} from "./control-link.ts";
import { writeTick } from "./control-state.ts";
import type { WelcomeFiles } from "./welcome.ts";

/** What other nodes ask this host to do. A rejection with a HotspareError becomes a refusal that carries its code. */
export type ControlHandlers = {
  readonly [Name in CarriedName]: (request: Request<Name>, from: NodeId) => Promise<Answer<Name>>;
};

export interface ControlOptions {
  readonly host: Pick<HostConfig, "id" | "control">;
  readonly cluster: string;
  readonly secret: Secret;
  readonly bootId: BootId;
  readonly vaultId: VaultId | null;
  readonly version: string;
  readonly files: WelcomeFiles;
  /** What it begins with. */
  readonly tuning: ControlTuning;
  /** What the main thread counts and measures; its event loop and heap are added. */
  readonly registers?: readonly Registry[];
  /** Must be the system's clock: the thread compares its times with its own. */
  readonly clock: Clock;
  readonly handlers: ControlHandlers;
  /** The thread ended without being told to, or a handler failed with an error that is not in the table. */
  readonly onFailed: (error: unknown) => void;
  /** For the log, at a bounded rate: `count` messages of this kind since the last notice. */
  readonly onRefused?: (refusal: MessageRefused, count: number) => void;
  /** The host begins to distrust its own clock, or (`null`) trusts it again. */
  readonly onQuarantine?: (reason: string | null) => void;
  /** Somebody knows a revision that this host has not read. A hint. */
  readonly onRevision?: () => void;
  /** A machine that was invited was given the configuration and the secret. */
  readonly onWelcomed?: (node: NodeId) => void;
}

export interface Control {
  /** Where it listens, with the actual port where 0 was configured. */
  readonly address: Address;
  /**
   * The state of all pools of this host, whenever any of it changes, and whenever a standby found itself at the head: `lagMs`
   * counts on from here.
   */
  publish(pools: readonly PoolReport[]): void;
  /** How the host's write probe of the vault does; its age counts on from here. */
  probe(probe: VaultProbe): void;
  /** What operations decided, as this host has read it. */
  decisions(decisions: Decisions): void;
  /** Goes by this from now on. */
  configure(tuning: ControlTuning): void;
  /** Ends the thread; what is unanswered is cut off. */
  stop(): Promise<void>;
}

const TICK_MS = 50;
const MEASURE_MS = 1000;
const STOP_WAIT_MS = 2000;

/**
 * @param tls what the listener shows; `null`: without TLS.
 * @throws {HotspareError} HS_PORT_TAKEN if the address cannot be listened on.
 */
export async function startControl(options: ControlOptions, tls: TlsIdentity | null): Promise<Control> {
  const tick = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  writeTick(tick, options.clock.monotonicMs());
  const keys = KeyRing.of(options.secret, options.clock);
  const worker = new Worker(threadUrl("./control-thread", import.meta.url), {
    workerData: { ...threadData(options, keys, tick), tls: tls?.material ?? null } satisfies ControlThreadData,
    resourceLimits: SMALL_THREAD,
  });
  // Before anything is awaited: no replacement must slip through between.
  const unfollow = keys.onReplaced(() =>
    worker.postMessage({ type: "secrets", secrets: keys.secrets } satisfies ToThread),
  );
  worker.once("exit", unfollow);
  const address = await listening(worker);
  return new RunningControl(options, worker, { tick, address, tls });
}

function threadData(options: ControlOptions, keys: KeyRing, tick: BigInt64Array): Omit<ControlThreadData, "tls"> {
  const { host, cluster, bootId, vaultId, version, tuning, files } = options;
  return {
    identity: { host: host.id, bootId, vaultId, version },
    tuning,
    cluster,
    secrets: keys.secrets,
    control: host.control,
    tick,
    files,
  };
}

/** The first thing that the thread says is how listening went. */
async function listening(worker: Worker): Promise<Address> {
  const message = await new Promise<ToMain>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new HotspareError("HS_INTERNAL", { what: "the control thread never began" })));
  });
  if (message.type === "listening") return message.address;
  await worker.terminate();
  if (message.type === "unable") throw new HotspareError(message.code, message.details);
  throw new HotspareError("HS_INTERNAL", { what: `the control thread began with ${message.type}` });
}

interface Started {
  readonly tick: BigInt64Array;
  readonly address: Address;
  readonly tls: TlsIdentity | null;
}

class RunningControl implements Control {
  readonly address: Address;
  readonly #options: ControlOptions;
  readonly #worker: Worker;
  readonly #tick: BigInt64Array;
  readonly #exited: Promise<unknown>;
  #cancelTick: Cancel = () => {};
  #cancelMeasuring: Cancel = () => {};
  #forgetTls: () => void = () => {};
  #stopping = false;

  constructor(options: ControlOptions, worker: Worker, started: Started) {
    this.#options = options;
    this.#worker = worker;
    this.#tick = started.tick;
    this.address = started.address;
    this.#exited = new Promise((resolve) => worker.once("exit", resolve));
    worker.on("message", (message: ToMain) => this.#hear(message));
    worker.on("error", (error) => options.onFailed(error));
    worker.once("exit", () => this.#ended());
    this.#keepTicking();
    if (options.registers) this.#keepMeasuring(Registry.merge([...options.registers, threadMetrics()]));
    this.#keepTls(started.tls);
  }

  publish(pools: readonly PoolReport[]): void {
    this.#post({ type: "pools", pools, atMs: this.#options.clock.monotonicMs() });
  }

  probe({ ok, ageMs, latencyMs }: VaultProbe): void {
    this.#post({ type: "probe", probe: { ok, ageMs, latencyMs }, atMs: this.#options.clock.monotonicMs() });
  }

  decisions(decisions: Decisions): void {
    this.#post({ type: "decisions", decisions });
  }

  configure(tuning: ControlTuning): void {
    this.#post({ type: "configured", tuning });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelTick();
    this.#cancelMeasuring();
    this.#forgetTls();
    this.#post({ type: "stop" });
    const cancel = this.#options.clock.after(STOP_WAIT_MS, () => void this.#worker.terminate());
    await this.#exited;
    cancel();
  }

  #keepTicking(): void {
    writeTick(this.#tick, this.#options.clock.monotonicMs());
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#keepTicking());
  }

  #keepMeasuring(register: Registry): void {
    void this.#measure(register);
    this.#cancelMeasuring = this.#options.clock.after(MEASURE_MS, () => this.#keepMeasuring(register));
  }

  async #measure(register: Registry): Promise<void> {
    const metrics = await register.getMetricsAsJSON();
    if (!this.#stopping) this.#post({ type: "measured", metrics, atMs: this.#options.clock.monotonicMs() });
  }

  /** Also what changed while the thread began. */
  #keepTls(tls: TlsIdentity | null): void {
    if (tls === null) return;
    const tell = (): void => this.#post({ type: "tls", material: tls.material });
    this.#forgetTls = tls.follow(tell);
    tell();
  }

  #hear(message: ToMain): void {
    switch (message.type) {
      case "ask":
        return void this.#do(message);
      case "refused":
        return this.#options.onRefused?.(message.refusal, message.count);
      case "quarantine":
        return this.#options.onQuarantine?.(message.reason);
      case "revision":
        return this.#options.onRevision?.();
      case "welcomed":
        return this.#options.onWelcomed?.(message.node);
      case "listening":
      case "unable":
        return;
      default:
        return unreachable(message);
    }
  }

  /** What has expired is not begun: the thread has told the sender so. */
  async #do(ask: Ask): Promise<void> {
    if (this.#stopping || this.#options.clock.monotonicMs() >= ask.expiresMs) return;
    const { id } = ask;
    this.#post({ type: "taken", id });
    try {
      this.#post({ type: "settled", id, answer: await handleAsk(this.#options.handlers, ask) });
    } catch (error) {
      const known = isHotspareError(error);
      const failure = known ? error : new HotspareError("HS_INTERNAL", { what: `${ask.name} failed` });
      this.#post({ type: "failed", id, code: failure.code, details: failure.details });
      if (!known) this.#options.onFailed(error);
    }
  }

  #ended(): void {
    this.#cancelTick();
    this.#cancelMeasuring();
    if (!this.#stopping)
      this.#options.onFailed(new HotspareError("HS_INTERNAL", { what: "the control thread ended by itself" }));
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

/** The handler of a carried message. The compiler sees that names, bodies and answers belong together. */
export function handleAsk(handlers: ControlHandlers, ask: Ask): Promise<Answer<CarriedName>> {
  switch (ask.name) {
    case "promote":
      return handlers.promote(ask.body, ask.from);
    case "vote":
      return handlers.vote(ask.body, ask.from);
    case "appended":
      return handlers.appended(ask.body, ask.from);
    case "checkpoint":
      return handlers.checkpoint(ask.body, ask.from);
    case "handover":
      return handlers.handover(ask.body, ask.from);
    case "decide":
      return handlers.decide(ask.body, ask.from);
    case "revisions":
      return handlers.revisions(ask.body, ask.from);
    case "enrol":
      return handlers.enrol(ask.body, ask.from);
    case "configuration":
      return handlers.configuration(ask.body, ask.from);
    case "finish-upgrade":
      return handlers["finish-upgrade"](ask.body, ask.from);
    default:
      return unreachable(ask);
  }
}
