/**
 * The question before a host uses a vault: can a name be created here exactly once? A share without hard links, or one
 * that does not sync folders, is refused, because everything rests on that.
 */
import { HotspareError } from "../errors.ts";
import type { Random } from "../random.ts";
import { temporaryName } from "./layout.ts";
import type { PutResult } from "./vault.ts";
import type { VaultPlace } from "./vault-identity.ts";

const RACERS = 8;
const TOKEN_BYTES = 16;

/**
 * Lets several puts race for one fresh name, then tries once more. Leaves nothing behind. Only after the identity was
 * checked: this writes.
 * @throws {HotspareError} HS_VAULT_UNSUITABLE if not exactly one won; the put's own error if the vault is full, read-only or failing.
 */
export async function probeVault({ vault, directory }: VaultPlace, random: Random): Promise<void> {
  const name = temporaryName(random.bytes(TOKEN_BYTES).toString("hex"));
  const tokens = Array.from({ length: RACERS + 1 }, () => random.bytes(TOKEN_BYTES));
  const [late = Buffer.alloc(0), ...racing] = tokens;
  try {
    const results = await Promise.all(racing.map((token) => vault.put(name, token)));
    const winners = results.flatMap(({ type }, index) => (type === "created" ? [racing[index]] : []));
    if (winners.length !== 1) throw failureOf(results, directory, winners.length);
    const again = await vault.put(name, late);
    if (again.type !== "exists") throw unsuitable(directory, `creating a name that exists ended "${again.type}"`);
    const found = await vault.get(name, { offset: 0, maxBytes: TOKEN_BYTES * 2 });
    if (!winners[0]?.equals(found ?? late)) throw unsuitable(directory, "a name was changed after it was created");
  } finally {
    await vault.remove(name);
  }
}

function failureOf(results: readonly PutResult[], directory: string, winners: number): HotspareError {
  for (const result of results) {
    if ("error" in result) return result.error;
  }
  return unsuitable(directory, `of ${results.length} racers for one name ${winners} won`);
}

const unsuitable = (directory: string, reason: string): HotspareError =>
  new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason });
