/** The source of chance. An argument everywhere, so that a seed can replace it; only a `main.ts` names the real one. */
import { randomBytes } from "node:crypto";

export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Buffer;
}

export const systemRandom: Random = { bytes: (count) => randomBytes(count) };
