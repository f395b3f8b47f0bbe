/**
 * Asks hosts how they are, when the core says so, and hands what comes back to the core. The time stamps of each exchange
 * go to what is known of clocks; what that says of the host's is told to it with the next question. Fails never: a
 * heartbeat without an answer is an event like any other.
 */
import type { Clock } from "../shared/clock.ts";
import type { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import type { Address, HostConfig } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import type { HostAddresses } from "./host-addresses.ts";
import type { ProxyEvent } from "./core/proxy-event.ts";
import type { ProtocolProblems } from "./protocol-problems.ts";
import type { Transport, TransportResult } from "./transport.ts";

export interface HeartbeatOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly clocks: PeerClocks;
  readonly addresses: Pick<HostAddresses, "next" | "moved">;
  readonly timeoutMs: () => number;
  readonly signal: AbortSignal;
  readonly tell: (event: ProxyEvent) => void;
  /** Number of the newest revision that this proxy knows. */
  readonly revision: () => number;
  readonly protocols: ProtocolProblems;
}

export class Heartbeats {
  readonly #options: HeartbeatOptions;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** @param bootId of the process that the last report came from. */
  async send({ id: host, control: address }: HostConfig, bootId: string | null): Promise<void> {
    const { clock, signal, tell, protocols } = this.#options;
    const sentMs = clock.monotonicMs();
    const result = (await this.#findMoved(host, bootId)) ?? (await this.#askKnown(host, address, bootId));
    if (signal.aborted) return;
    protocols.note(host, result);
    if (result.type === "answer") {
      const { report, decisions = null } = result.answer;
      tell({ type: "probeAnswered", host, sentMs, report, decisions });
    } else if (result.kind !== "aborted") tell({ type: "probeFailed", host, sentMs, kind: result.kind });
  }

  /** At an address that was configured for it anew; `null`: it is not there. */
  async #findMoved(host: NodeId, bootId: string | null): Promise<TransportResult<"heartbeat"> | null> {
    const { addresses } = this.#options;
    const next = addresses.next(host, "control");
    const result = next === null ? null : await this.#askKnown(host, next, bootId);
    if (next === null || result?.type !== "answer") return null;
    addresses.moved(host, "control", next);
    return result;
  }

  async #askKnown(host: NodeId, address: Address, bootId: string | null): Promise<TransportResult<"heartbeat">> {
    const result = await this.#ask(host, address, bootId);
    // It is another process now, and alive: asked as one that is not known yet, it says which.
    const isAnother = result.type === "failed" && result.kind === "rejected" && result.code === "HS_MESSAGE_BOOT";
    return isAnother ? this.#ask(host, address, null) : result;
  }

  async #ask(to: NodeId, address: Address, bootId: string | null): Promise<TransportResult<"heartbeat">> {
    const { transport, clock, clocks, timeoutMs, signal, revision } = this.#options;
    const askedMs = clock.monotonicMs();
    // Without the boot id the host believes nothing.
    const deviation = bootId === null ? null : clocks.deviationOf(to);
    const body = { bootId, originMs: clock.wallMs(), clock: deviation, revision: revision() };
    const result = await transport.send("heartbeat", { to, address, body, timeoutMs: timeoutMs(), signal });
    if (result.type === "answer") {
      const { receivedMs, sentMs } = result.answer;
      clocks.heard(to, { askedMs, receivedMs, sentMs });
    }
    return result;
  }
}
