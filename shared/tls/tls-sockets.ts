/**
 * Sockets with TLS, over others that have none: what listens ends it, what is dialled is verified before anything of a
 * request leaves. A failure of TLS is told, at whatever rate it happens, and to the caller as the socket's error.
 */
import { isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import type { Clock } from "../clock.ts";
import { formatAddress, type Address } from "../config/config.ts";
import type { BoundServer, Sockets } from "../sockets.ts";
import type { MessageRefused } from "../wire/message-server.ts";
import { isTlsFailure } from "./tls-failure.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { terminateTls } from "./tls-termination.ts";

export interface TlsSocketsOptions {
  readonly identity: TlsIdentity;
  /** Binds the listeners. */
  readonly under: Pick<Sockets, "listen">;
  readonly clock: Clock;
  readonly onRefused: (refusal: MessageRefused) => void;
  /** `any`: dials a listener of this very process, which may be bound to an address that its certificate does not name. */
  readonly names: "checked" | "any";
}

export class TlsSockets implements Sockets {
  readonly #options: TlsSocketsOptions;

  constructor(options: TlsSocketsOptions) {
    this.#options = options;
  }

  listen(server: BoundServer, address: Address, what: string): Promise<Address> {
    terminateTls(server, this.#options);
    return this.#options.under.listen(server, address, what);
  }

  dial(address: Address): Socket {
    const { identity, names, onRefused } = this.#options;
    const { host, port } = address;
    const socket = connect({
      host,
      port,
      secureContext: identity.client,
      // An IP address may not be sent as a name; it is looked for in the certificate all the same.
      servername: isIP(host) === 0 ? host : "",
      ALPNProtocols: ["http/1.1"],
      ...(names === "any" ? { checkServerIdentity: () => undefined } : {}),
    });
    socket.setNoDelay(true);
    socket.on("error", (error) => {
      if (!isTlsFailure(error)) return;
      const reason = `the certificate or TLS of ${formatAddress(address)}: ${error.message.trim()}`;
      onRefused({ code: "HS_TLS_REFUSED", reason, from: formatAddress(address) });
    });
    return socket;
  }
}
