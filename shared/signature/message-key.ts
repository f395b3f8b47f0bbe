/**
 * One key that messages are signed and verified with: HMAC-SHA256 over one of the cluster's secrets. The algorithm belongs
 * to the key and never comes from the wire; signatures are compared in constant time. The secret is kept as a `KeyObject`,
 * which neither logs nor JSON can show and which may be handed to a thread. Its id tells two secrets apart without
 * revealing either.
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

/** A secret, as its bytes or already sealed. */
export type SecretBytes = KeyObject | Uint8Array;

export const sealSecret = (secret: SecretBytes): KeyObject =>
  secret instanceof KeyObject ? secret : createSecretKey(secret);

export function messageKey(given: SecretBytes): MessageKey {
  const secret = sealSecret(given);
  const id = createHmac("sha256", secret).update("hotspare key id").digest("hex").slice(0, 16);
  const signing = createSigner(secret, ALGORITHM, id);
  return { id, signing, verifying: { id, algs: [ALGORITHM], verify: createVerifier(secret, ALGORITHM) } };
}
