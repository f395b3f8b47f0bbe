/**
 * Nonces: `<boot id of the sender>-<counter>-<64 random bits>`. The counter lets a receiver remember all nonces of a boot
 * in a few bytes (`replay-guard.ts`); the random part makes each one unique over all targets, so that an answer, which
 * repeats it, belongs to one request.
 */
import { parseBootId, type BootId } from "../ids.ts";
import type { Random } from "../random.ts";

export interface Nonce {
  readonly bootId: BootId;
  /** 1, 2, 3 …: counts what the sender's boot has sent to this receiver. */
  readonly counter: number;
  readonly text: string;
}

/** Source of the exact form, for use inside a larger expression. */
export const NONCE_PATTERN = "[0-9a-f]{32}-[1-9][0-9]{0,14}-[0-9a-f]{16}";

const NONCE = new RegExp(`^${NONCE_PATTERN}$`);

export function makeNonce(bootId: BootId, counter: number, random: Random): Nonce {
  return { bootId, counter, text: `${bootId}-${counter}-${random.bytes(8).toString("hex")}` };
}

/** `null` if the text is not a nonce. */
export function parseNonce(text: string): Nonce | null {
  if (!NONCE.test(text)) return null;
  const [bootId = "", counter = ""] = text.split("-");
  return { bootId: parseBootId(bootId), counter: Number(counter), text };
}
