/**
 * Looks whether a host's data address takes a connection. Nothing is sent on it: whether the application is well is asked
 * elsewhere, this finds an address that clients' requests cannot reach. There is no TLS handshake either, also where the
 * address speaks TLS: the kernel takes a connection while the host's main thread is busy, a handshake would wait for it.
 */
import type { Clock } from "../shared/clock.ts";
import type { Address } from "../shared/config/config.ts";
import type { Sockets } from "../shared/sockets.ts";
import { connectionFailure } from "../shared/wire/send-failure.ts";
import type { FailureKind } from "./core/probe-channel.ts";

export interface DataProbeOptions {
  readonly clock: Clock;
  /** Without TLS. */
  readonly sockets: Sockets;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
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
