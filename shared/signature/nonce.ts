/**
 * Nonces: `<series>-<counter>-<64 random bits>`. A series is 128 random bits that each sender makes when it starts; the
 * counter in it lets a receiver remember all nonces of the series in a few bytes (`replay-guard.ts`). The random part makes
 * each nonce unique over all receivers, so that an answer, which repeats it, belongs to one request.
 */
import type { Random } from "../random.ts";

export interface Nonce {
  readonly series: string;
  /** 1, 2, 3 …: counts what the series has sent to this receiver. */
  readonly counter: number;
  readonly text: string;
}

/** Source of the exact form, for use inside a larger expression. */
export const NONCE_PATTERN = "[0-9a-f]{32}-[1-9][0-9]{0,14}-[0-9a-f]{16}";

const NONCE = new RegExp(`^${NONCE_PATTERN}$`);

export const makeSeries = (random: Random): string => random.bytes(16).toString("hex");

export function makeNonce(series: string, counter: number, random: Random): Nonce {
  return { series, counter, text: `${series}-${counter}-${random.bytes(8).toString("hex")}` };
}

/** `null` if the text is not a nonce. */
export function parseNonce(text: string): Nonce | null {
  if (!NONCE.test(text)) return null;
  const [series = "", counter = ""] = text.split("-");
  return { series, counter: Number(counter), text };
}
