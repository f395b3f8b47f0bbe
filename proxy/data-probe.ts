/**
 * Looks whether a host's data address takes a connection. Nothing is sent on it: whether the application is well is asked
 * elsewhere, this finds an address that clients' requests cannot reach.
 */
import type { Clock } from "../shared/clock.ts";
import type { Address } from "../shared/config/config.ts";
import type { Sockets } from "../shared/sockets.ts";
import { connectionFailure } from "../shared/wire/send-failure.ts";
import type { FailureKind } from "./core/probe-channel.ts";

export interface DataProbeOptions {
  readonly clock: Clock;
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
