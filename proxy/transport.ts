/** How the proxy speaks to hosts. `MessageClient` is the real one; tests and the simulation have their own. */
import type { Address } from "../shared/config/config.ts";
import type { BootId, NodeId } from "../shared/ids.ts";
import type { Answer, MessageName, Request } from "../shared/wire/messages.ts";
import type { ErrorCode, ErrorDetails } from "../shared/errors.ts";
import type { ConnectionFailureKind } from "../shared/wire/send-failure.ts";

export interface Transport {
  /** Never rejects: how a message fared is a result. */
  send<Name extends MessageName>(name: Name, sending: TransportSending<Name>): Promise<TransportResult<Name>>;
  close(): void;
}

export interface TransportSending<Name extends MessageName> {
  readonly to: NodeId;
  /** The control listener. */
  readonly address: Address;
  readonly body: Request<Name>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type TransportResult<Name extends MessageName> =
  | { readonly type: "answer"; readonly answer: Answer<Name>; readonly roundTripMs: number }
  | { readonly type: "failed"; readonly kind: ConnectionFailureKind; readonly reason: string }
  | {
      readonly type: "failed";
      readonly kind: "rejected";
      readonly reason: string;
      readonly code: ErrorCode;
      readonly details?: ErrorDetails;
    };

export interface TransportParts {
  /** Of this process. */
  readonly bootId: BootId;
  /** A kept connection to this host was closed by the other side: often the first sign of its death. */
  readonly onLost: (host: NodeId) => void;
}
