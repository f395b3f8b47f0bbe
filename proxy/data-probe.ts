/**
 * Looks whether a host's data address takes a connection. Nothing is sent on it: whether the application is well is asked
 * elsewhere, this finds an address that clients' requests cannot reach. There is no TLS handshake either, also where the
 * address speaks TLS: the kernel takes a connection while the host's main thread is busy, a handshake would wait for it.
 */
import type { Clock } from "../shared/clock.ts";
import type { Address } from "../shared/config/config.ts";
import type { Sockets } from "../shared/sockets.ts";
import { connectionFailure } from "../shared/wire/send-failure.ts";
import type { NodeId } from "../shared/ids.ts";
import type { HostAddresses } from "./host-addresses.ts";
import type { ProxyEvent } from "./core/proxy-event.ts";
import type { FailureKind } from "./core/probe-channel.ts";

interface DataProbeOptions {
  readonly clock: Clock;
  /** Without TLS. */
  readonly sockets: Sockets;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface DataProbesOptions extends Omit<DataProbeOptions, "timeoutMs"> {
  readonly addresses: Pick<HostAddresses, "of" | "next" | "moved">;
  readonly timeoutMs: () => number;
  readonly tell: (event: ProxyEvent) => void;
}

/** Probes a host, also where it was configured to be from now on. */
export class DataProbes {
  readonly #options: DataProbesOptions;

  constructor(options: DataProbesOptions) {
    this.#options = options;
  }

  async send(host: NodeId): Promise<void> {
    const { clock, addresses, tell } = this.#options;
    const sentMs = clock.monotonicMs();
    const now = addresses.of(host).advertise;
    const next = addresses.next(host, "advertise");
    const hasMoved = next !== null && (await this.#probe(next)) === null;
    if (hasMoved) addresses.moved(host, "advertise", next);
    const kind = hasMoved ? null : await this.#probe(now);
    tell(kind === null ? { type: "dataAnswered", host, sentMs } : { type: "dataFailed", host, sentMs, kind });
  }

  #probe(address: Address): Promise<FailureKind | null> {
    const { clock, sockets, signal, timeoutMs } = this.#options;
    return dataProbe(address, { clock, sockets, signal, timeoutMs: timeoutMs() });
  }
}

/** Resolves to `null` when it was reached, else to why not. */
export function dataProbe(
  address: Address,
  { clock, sockets, timeoutMs, signal }: DataProbeOptions,
): Promise<FailureKind | null> {
  return new Promise((resolve) => {
    const socket = sockets.dial(address);
    const end = (result: FailureKind | null): void => {
      cancel();
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => end("timeout");
    const cancel = clock.after(timeoutMs, () => end("timeout"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => end(null));
    socket.on("error", (error) => {
      const kind = connectionFailure(error);
      end(kind === "aborted" ? "unreachable" : kind);
    });
  });
}
