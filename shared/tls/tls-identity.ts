/**
 * The certificate that a node shows in one section at this moment, and whom it trusts there. It can be replaced while it
 * is used: connections that stand keep what they began with, new ones begin with the new one.
 */
import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { OLDEST_VERSION, type TlsMaterial } from "./tls-material.ts";

export class TlsIdentity {
  #material: TlsMaterial;
  #client: SecureContext;
  readonly #followers = new Set<() => void>();

  constructor(material: TlsMaterial) {
    this.#material = material;
    this.#client = createSecureContext(contextOf(material));
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** Whether clients must show a certificate. */
  get mutual(): boolean {
    return this.#material.ca !== null;
  }

  /**
   * For a listener. Where clients must show a certificate no session is resumed: what was found about one is looked at
   * anew for each connection.
   */
  get server(): SecureContextOptions {
    const context = contextOf(this.#material);
    return this.mutual ? { ...context, secureOptions: constants.SSL_OP_NO_TICKET } : context;
  }

  /** For connections that this side opens. Without a CA of one's own those of Node.js hold. */
  get client(): SecureContext {
    return this.#client;
  }

  /** The material has been checked. */
  replace(material: TlsMaterial): void {
    this.#client = createSecureContext(contextOf(material));
    this.#material = material;
    for (const follower of this.#followers) follower();
  }

  /** Calls `changed` after each change, until the returned stop is called. */
  follow(changed: () => void): () => void {
    this.#followers.add(changed);
    return () => void this.#followers.delete(changed);
  }
}

const contextOf = ({ cert, key, ca }: TlsMaterial): SecureContextOptions => ({
  cert,
  key,
  minVersion: OLDEST_VERSION,
  ...(ca === null ? {} : { ca }),
});
