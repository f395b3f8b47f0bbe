/** SHA-256, in the one form that the system uses it: hex. */
import { createHash } from "node:crypto";
import type { Sha256 } from "./ids.ts";

export const sha256 = (content: string | Uint8Array): Sha256 =>
  createHash("sha256").update(content).digest("hex") as Sha256;
