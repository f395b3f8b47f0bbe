/** Chance that is the same for the same seed. */
import { createHash } from "node:crypto";
import type { Random } from "../../../shared/random.ts";

export function seededRandom(seed: number): Random {
  let count = 0;
  return {
    bytes: (length) => {
      const parts: Buffer[] = [];
      for (let have = 0; have < length; have += 32) {
        parts.push(
          createHash("sha256")
            .update(`${seed} ${(count += 1)}`)
            .digest(),
        );
      }
      return Buffer.concat(parts).subarray(0, length);
    },
  };
}
