/**
 * Asks standbys for their votes and sends the order to take over, and hands what became of it to the core. An order is
 * idempotent at the host: it names the fence to depose.
 */
import type { Clock } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Order } from "./core/pool-view.ts";
import type { ProxyEvent } from "./core/proxy-event.ts";
import type { Transport } from "./transport.ts";

export interface SignalOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For one vote: the standby probes the primary meanwhile. */
  readonly voteTimeoutMs: number;
  readonly tell: (event: ProxyEvent) => void;
}

export async function sendOrder(pool: PoolId, order: Order, to: HostConfig, options: SignalOptions): Promise<void> {
  const { transport, clock, signal, tell } = options;
  const { host, bootId, fence, cause, sentMs, votes, phases } = order;
  const result = await transport.send("promote", {
    to: host,
    address: to.control,
    body: { pool, bootId, fence, cause, votes: [...votes], phases: { ...phases } },
    timeoutMs: Math.max(1, order.deadlineMs - clock.monotonicMs()),
    signal,
  });
  if (signal.aborted) return;
  if (result.type === "answer") tell({ type: "orderAnswered", pool, host, sentMs, answer: result.answer });
  else if (result.kind !== "aborted") tell({ type: "orderFailed", pool, host, sentMs, kind: result.kind });
}

export interface VoteAsked {
  readonly pool: PoolId;
  readonly bootId: string;
  readonly fence: string | null;
}

/** A standby that does not answer has not voted. */
export async function askVote(
  { pool, bootId, fence }: VoteAsked,
  to: HostConfig,
  options: SignalOptions,
): Promise<void> {
  const { transport, signal, tell, voteTimeoutMs: timeoutMs } = options;
  const body = { pool, bootId, fence };
  const result = await transport.send("vote", { to: to.id, address: to.control, body, timeoutMs, signal });
  if (signal.aborted || result.type !== "answer") return;
  tell({ type: "voteAnswered", pool, host: to.id, fence, answer: result.answer });
}
