/**
 * Bytes that are known from a name and a length alone, look random and cost no more than a copy, so that whoever knows
 * what was meant can compare every byte of a long body or answer, and no two of them are the same.
 */
import { createHash } from "node:crypto";

const STOCK = createHash("shake256", { outputLength: 1024 * 1024 + 7 })
  .update("stock")
  .digest();

export function filling(name: string, bytes: number): Buffer {
  const filled = Buffer.allocUnsafe(bytes);
  let from = createHash("sha256").update(name).digest().readUInt32BE() % STOCK.length;
  for (let at = 0; at < bytes; from = 0) at += STOCK.copy(filled, at, from);
  filled.write(name);
  return filled;
}

export const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64");
