/**
 * The hooks of one pool on this host. Before a handover they are asked, one after the other, and may refuse it. After a
 * change of role they are told in the background: nothing that serves waits for them. A role that only lasts until the next
 * one, such as taking over, is none of theirs.
 */
import { dirname } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import type { Config, HookConfig, HookMoment } from "../../shared/config/config.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Log } from "../../shared/log.ts";
import type { Random } from "../../shared/random.ts";
import { roleOf } from "../core/pool-core.ts";
import type { HostedPool } from "../pool.ts";
import { failureText, type CallHook } from "./hook-call.ts";
import type { HookEvent } from "./hook-event.ts";
import { HookLane, type HookLaneOptions } from "./hook-lane.ts";

export interface RoleHooksOptions {
  readonly self: NodeId;
  readonly config: Pick<Config, "file" | "cluster" | "secret" | "hooks">;
  readonly pool: Pick<HostedPool, "id" | "on" | "state" | "receiptNotes">;
  readonly call: CallHook;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What is about to be done, and for how long hooks may delay it. */
export interface Intention {
  readonly successor: NodeId | null;
  readonly cause: string;
  readonly by: string;
  readonly timeoutMs: number;
}

type Told = Exclude<HookMoment, "before-handover">;

/** How long the stop of a host waits for hooks that run; what runs on is killed. */
const STOP_MS = 5000;

export class RoleHooks {
  readonly #options: RoleHooksOptions;
  readonly #hooks: readonly HookConfig[];
  readonly #hidden: readonly string[];
  readonly #lanes: readonly { readonly hook: HookConfig; readonly lane: HookLane }[];
  readonly #abort = new AbortController();
  #told: Told | null = null;
  #order: { readonly cause: string; readonly by: string } | null = null;
  #unlisten: (() => void) | null = null;

  constructor(options: RoleHooksOptions) {
    const { config, pool } = options;
    this.#options = options;
    this.#hooks = config.hooks.filter(({ pools }) => pools === null || pools.includes(pool.id));
    this.#hidden = secretVariables(config);
    this.#lanes = this.#hooks.map((hook) => ({ hook, lane: this.#lane(hook) }));
  }

  /** Once the pool has begun: its first role is told like a change. */
  start(): void {
    this.#unlisten = this.#options.pool.on("role", () => this.#look());
    this.#look("the host starts");
  }

  /** After the pool has ended. What still runs gets a moment. */
  async stop(): Promise<void> {
    this.#unlisten?.();
    // The share hung, so it left without the release that ends its role.
    if (this.#told === "primary") this.#tell("fenced", "the host stops");
    const cancel = this.#options.clock.after(STOP_MS, () => this.#abort.abort(new Error("the host stops")));
    await Promise.all(this.#lanes.map(({ lane }) => lane.rest()));
    cancel();
    this.#abort.abort(new Error("the host stops"));
  }

  /** Whether anybody is asked before a handover: it takes time then. */
  get asked(): boolean {
    return this.#of("before-handover").length > 0;
  }

  /** Why one of them refuses; `null`: none does. With `insists` all are asked, whatever they say. */
  async before({ timeoutMs, ...intention }: Intention, insists: boolean): Promise<string | null> {
    const { clock, random, log } = this.#options;
    const untilMs = clock.monotonicMs() + timeoutMs;
    const event = this.#event("before-handover", intention);
    let refusal: string | null = null;
    for (const hook of this.#of("before-handover")) {
      const leftMs = Math.max(1, untilMs - clock.monotonicMs());
      const outcome = await this.#call(hook, { event, id: newId(random), timeoutMs: Math.min(hook.timeoutMs, leftMs) });
      const { output } = outcome;
      if (outcome.type === "done") {
        log.info({ hook: hook.name, event: event.event, output }, "a hook was called");
        continue;
      }
      refusal ??= `${hook.name} is against it: ${failureText(outcome)}`;
      log.warn({ hook: hook.name, event: event.event, reason: failureText(outcome) }, "a hook failed");
      if (!insists) break;
    }
    return refusal;
  }

  // --- Changes of role ------------------------------------------------------------------------------------------------

  #look(cause = ""): void {
    const { state } = this.#options.pool;
    const role = roleOf(state);
    if (state.phase.type === "taking-over") {
      const { order } = state.phase.takeover;
      this.#order = { cause: order.cause, by: order.orderedBy ?? this.#options.self };
    }
    if (role === "taking-over" || role === "restoring" || role === this.#told) return;
    this.#tell(role, this.#causeOf(role) || cause);
  }

  #tell(role: Told, cause: string): void {
    const by = role === "primary" ? (this.#order?.by ?? "") : "";
    const event = this.#event(role, { cause, by, successor: role === "primary" ? null : this.#successor() });
    this.#told = role;
    for (const { hook, lane } of this.#lanes) if (hook.on.includes(role)) lane.add(event);
  }

  #causeOf(role: Told): string {
    const { phase, offline } = this.#options.pool.state;
    if (role === "primary") return this.#order?.cause ?? "";
    if (phase.type === "fenced") return phase.reason;
    return role === "offline" ? (offline ?? "") : "";
  }

  /** The owner of the newest fence, or whom the release of that tenure names. */
  #successor(): NodeId | null {
    const { newestFence, heir } = this.#options.pool.state;
    if (heir !== null && heir.fence === newestFence?.id) return heir.host;
    return newestFence === null || newestFence.owner === this.#options.self ? null : newestFence.owner;
  }

  #event(event: HookMoment, parts: Pick<HookEvent, "successor" | "cause" | "by">): HookEvent {
    const { self, config, pool, clock } = this.#options;
    const served = event === "before-handover" || this.#told === "primary";
    return {
      event,
      cluster: config.cluster,
      host: self,
      pool: pool.id,
      epoch: pool.state.newestFence?.epoch ?? null,
      previous: event === "primary" ? (pool.receiptNotes.previous?.owner ?? null) : served ? self : null,
      ...parts,
      atMs: clock.wallMs(),
    };
  }

  // --- Calls ----------------------------------------------------------------------------------------------------------

  #of(moment: HookMoment): readonly HookConfig[] {
    return this.#hooks.filter(({ on }) => on.includes(moment));
  }

  #lane(hook: HookConfig): HookLane {
    const { clock, random, log } = this.#options;
    const { timeoutMs } = hook;
    const call: HookLaneOptions["call"] = (event, id) => this.#call(hook, { event, id, timeoutMs });
    return new HookLane({ hook, call, newId: () => newId(random), clock, log, signal: this.#abort.signal });
  }

  #call(
    { action }: HookConfig,
    about: Pick<Parameters<CallHook>[0], "event" | "id" | "timeoutMs">,
  ): ReturnType<CallHook> {
    const { config, call } = this.#options;
    return call({ action, ...about, folder: dirname(config.file), hidden: this.#hidden, signal: this.#abort.signal });
  }
}

const newId = (random: Random): string => `msg_${random.bytes(16).toString("hex")}`;

/** A hook has the environment of its host, but not the keys in it. */
function secretVariables({ secret, hooks }: RoleHooksOptions["config"]): readonly string[] {
  const sources = [secret, ...hooks.flatMap(({ action }) => (action.type === "webhook" ? [action.secret] : []))];
  return sources.flatMap((source) => ("env" in source ? [source.env] : []));
}
