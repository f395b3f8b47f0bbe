/** Sends the order to take over, and hands what became of it to the core. Idempotent at the host: it names the fence to depose. */
import type { Clock } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import type { NodeId, PoolId } from "../shared/ids.ts";
import type { Order } from "./core/pool-view.ts";
import type { ProxyEvent } from "./core/proxy-state.ts";
import type { Transport } from "./transport.ts";

export interface SignalOptions {
  readonly self: NodeId;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: (event: ProxyEvent) => void;
}

export async function sendOrder(pool: PoolId, order: Order, to: HostConfig, options: SignalOptions): Promise<void> {
  const { self, transport, clock, signal, tell } = options;
  const { host, bootId, fence, cause, sentMs } = order;
  const result = await transport.send("promote", {
    to: host,
    address: to.control,
    body: { pool, bootId, fence, cause, votes: [{ by: self, verdict: `down: ${cause}` }] },
    timeoutMs: Math.max(1, order.deadlineMs - clock.monotonicMs()),
    signal,
  });
  if (signal.aborted) return;
  if (result.type === "answer") tell({ type: "orderAnswered", pool, host, sentMs, answer: result.answer });
  else if (result.kind !== "aborted") tell({ type: "orderFailed", pool, host, sentMs, kind: result.kind });
}
