/** What a hook is told: the same as variables of the environment and as JSON, which is in the form of Standard Webhooks. */
import type { HookMoment } from "../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";

export interface HookEvent {
  readonly event: HookMoment;
  readonly cluster: string;
  /** The host that calls it. */
  readonly host: NodeId;
  readonly pool: PoolId;
  /** Of the newest fence that this host knows; `null`: the pool never had one. */
  readonly epoch: number | null;
  /** Who served before, as far as this host knows. */
  readonly previous: NodeId | null;
  /** Who serves next, as far as this host knows. */
  readonly successor: NodeId | null;
  /** Why, for people. */
  readonly cause: string;
  /** Who asked for it: a proxy, an operator, this host. Empty: nobody. */
  readonly by: string;
  /** Wall clock of this host, for people. */
  readonly atMs: number;
}

/** A text may come from an operator: a program could not be started with a zero byte in it. */
export function hookEnvironment({ event, cluster, host, pool, ...rest }: HookEvent): Readonly<Record<string, string>> {
  const clean = (text: string): string => text.replaceAll("\0", "");
  return {
    HOTSPARE_EVENT: event,
    HOTSPARE_CLUSTER: cluster,
    HOTSPARE_HOST: host,
    HOTSPARE_POOL: pool,
    HOTSPARE_EPOCH: String(rest.epoch ?? ""),
    HOTSPARE_PREVIOUS: rest.previous ?? "",
    HOTSPARE_SUCCESSOR: rest.successor ?? "",
    HOTSPARE_CAUSE: clean(rest.cause),
    HOTSPARE_BY: clean(rest.by),
  };
}

export function hookDocument({ atMs, ...data }: HookEvent): string {
  const type = `hotspare.${data.event.replaceAll("-", "_")}`;
  return JSON.stringify({ type, timestamp: new Date(atMs).toISOString(), data });
}
