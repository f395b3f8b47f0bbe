/**
 * The key that messages are signed and verified with: HMAC-SHA256 over the cluster secret. The algorithm belongs to the
 * key and never comes from the wire. The secret is kept as a `KeyObject`, which neither logs nor JSON can show and which may
 * be handed to a thread. Its id tells two secrets apart without revealing either.
 */
import { createHmac, createSecretKey, KeyObject } from "node:crypto";
import { createSigner, createVerifier, type SigningKey, type VerifyingKey } from "http-message-signatures";

const ALGORITHM = "hmac-sha256";

export interface MessageKey {
  /** 16 hex digits. */
  readonly id: string;
  readonly signing: SigningKey;
  readonly verifying: VerifyingKey;
}

/** The cluster secret, as its bytes or already sealed. */
export type Secret = KeyObject | Uint8Array;

export const sealSecret = (secret: Secret): KeyObject =>
  secret instanceof KeyObject ? secret : createSecretKey(secret);

export function messageKey(given: Secret): MessageKey {
  const secret = sealSecret(given);
  const id = createHmac("sha256", secret).update("hotspare key id").digest("hex").slice(0, 16);
  const signing = createSigner(secret, ALGORITHM, id);
  return { id, signing, verifying: { id, algs: [ALGORITHM], verify: createVerifier(secret, ALGORITHM) } };
}
