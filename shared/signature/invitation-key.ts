/**
 * The keys of an invitation: one signs the request and its answer, the other seals what the answer carries, so that it is
 * read by whoever has the token alone, also without TLS. Both come from the token by HKDF, and the token from the cluster's
 * secret and the invitation's number: whoever has the secret can make it, and nobody finds the secret from it.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import type { Random } from "../random.ts";
import { messageKey, sealSecret, type MessageKey, type SecretBytes } from "./message-key.ts";

export const TOKEN_BYTES = 32;
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** 256 bits. `invitation`: 32 hex digits that no other invitation has. */
export const invitationToken = (secret: SecretBytes, invitation: string): Buffer =>
  derive(sealSecret(secret), Buffer.from(invitation, "hex"), "hotspare:invitation-token");

export class InvitationKey {
  /** What the message `join` is signed with. */
  readonly signing: KeyObject;
  readonly message: MessageKey;
  readonly #sealing: KeyObject;

  constructor(token: Uint8Array) {
    const secret = createSecretKey(token);
    this.signing = createSecretKey(derive(secret, Buffer.alloc(0), "hotspare:join-signature"));
    this.message = messageKey(this.signing);
    this.#sealing = createSecretKey(derive(secret, Buffer.alloc(0), "hotspare:join-seal"));
  }

  /** `about` is not hidden, but nobody can open the text as one about something else. */
  seal(text: string, about: string, random: Random): string {
    const nonce = random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#sealing, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(about));
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([sealed, cipher.getAuthTag()]).toString("base64");
  }

  /** `null` if it was not sealed with this key and for this, or was changed. */
  open(sealed: string, about: string): string | null {
    const bytes = Buffer.from(sealed, "base64");
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
    const tagAt = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#sealing, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(tagAt));
    try {
      return decipher.update(bytes.subarray(NONCE_BYTES, tagAt), undefined, "utf8") + decipher.final("utf8");
    } catch {
      return null;
    }
  }
}

/** What a host seals for a new node: for no other of either, and in no other cluster. */
export const welcomeAbout = (cluster: string, host: string, newcomer: string): string =>
  `hotspare:welcome ${cluster} ${host} ${newcomer}`;

const derive = (key: KeyObject, salt: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", key, salt, purpose, TOKEN_BYTES));
