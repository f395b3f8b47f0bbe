/**
 * Asks hosts how they are, when the core says so, and hands what comes back to the core. Also notes each clock's offset,
 * for people. Fails never: a heartbeat without an answer is an event like any other.
 */
import type { Clock } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import type { ErrorDetails } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Answer } from "../shared/wire/messages.ts";
import type { ProxyEvent } from "./core/proxy-state.ts";
import type { Transport, TransportResult } from "./transport.ts";

export interface HeartbeatOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly tell: (event: ProxyEvent) => void;
  /** Told when a host has no version of the protocol in common with this proxy, and when it has one again: `null`. */
  readonly onProtocol: (host: NodeId, problem: string | null) => void;
}

export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #offsetsMs = new Map<NodeId, number>();
  readonly #protocolProblems = new Map<NodeId, string>();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** How far the host's clock is ahead of ours, in milliseconds; `null`: never heard. */
  offsetMs(host: NodeId): number | null {
    return this.#offsetsMs.get(host) ?? null;
  }

  /** Why this proxy and the host do not understand one another; `null`: they do, or it was never heard. */
  protocolProblem(host: NodeId): string | null {
    return this.#protocolProblems.get(host) ?? null;
  }

  /** @param bootId of the process that the last report came from. */
  async send({ id: host, control: address }: HostConfig, bootId: string | null): Promise<void> {
    const { transport, clock, timeoutMs, signal, tell } = this.#options;
    const sentMs = clock.monotonicMs();
    const ask = (known: string | null): Promise<TransportResult<"heartbeat">> => {
      const body = { bootId: known, originMs: clock.wallMs() };
      return transport.send("heartbeat", { to: host, address, body, timeoutMs, signal });
    };
    let result = await ask(bootId);
    // It is another process now, and alive: asked as one that is not known yet, it says which.
    if (result.type === "failed" && result.kind === "rejected" && result.code === "HS_MESSAGE_BOOT")
      result = await ask(null);
    if (signal.aborted) return;
    this.#noteProtocol(host, result);
    if (result.type === "answer") {
      this.#offsetsMs.set(host, offsetOf(result.answer, clock.wallMs()));
      tell({ type: "probeAnswered", host, sentMs, report: result.answer.report });
    } else if (result.kind !== "aborted") {
      tell({ type: "probeFailed", host, sentMs, kind: result.kind });
    }
  }

  /** A host that was not reached has said nothing. */
  #noteProtocol(host: NodeId, result: TransportResult<"heartbeat">): void {
    const rejected = result.type === "failed" && result.kind === "rejected";
    if (!rejected && result.type === "failed") return;
    const problem = rejected && result.code === "HS_MESSAGE_VERSION" ? protocolProblemIn(result.details) : null;
    if (problem === this.protocolProblem(host)) return;
    if (problem === null) this.#protocolProblems.delete(host);
    else this.#protocolProblems.set(host, problem);
    this.#options.onProtocol(host, problem);
  }
}

/** The sides are those of the host that refused: what it found is what this proxy speaks. */
const protocolProblemIn = ({ found, accepted }: ErrorDetails = {}): string =>
  `speaks protocol ${accepted}; accepted is ${found}`;

/** As in NTP: half of what the way there and the way back differ. */
const offsetOf = ({ originMs, receivedMs, sentMs }: Answer<"heartbeat">, arrivedMs: number): number =>
  (receivedMs - originMs + (sentMs - arrivedMs)) / 2;
