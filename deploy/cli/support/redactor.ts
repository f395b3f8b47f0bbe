/**
 * Takes out of a text what must not leave the machine: the cluster's keys in every way in which they can be written, and
 * whatever else looks like a key, a password or a cookie. Hashes stay, as far as they are called so. Pure.
 */

const GONE = "[redacted]";

/** Most particular ones first. What stands before the secret is kept, to show what was there. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, GONE],
  [/("(?:proxy-)?(?:authorization|cookie|set-cookie)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi, `$1"${GONE}"`],
  [/(\b(?:proxy-)?(?:authorization|cookie|set-cookie)\s*[:=]\s*)[^\r\n"]+/gi, `$1${GONE}`],
  [/(\b(?:bearer|basic)\s+)[\w+/=.~-]{8,}/gi, `$1${GONE}`],
  [/(:\/\/)[^\s/:@"]*:[^\s/@"]+@/g, `$1${GONE}@`],
  [/("[\w-]*(?:password|passwd|token|api[-_]?key)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi, `$1"${GONE}"`],
  [/(\b[\w-]*(?:password|passwd|token|api[-_]?key)\s*[=:]\s*)[^\s"',;&]+/gi, `$1${GONE}`],
  // Keys of webhooks, and what an invitation prints.
  [/(\bwhsec_)[\w+/=-]+/g, `$1${GONE}`],
  [/(\bhs1\.[a-z0-9-]+\.[a-z0-9-]+\.)[\w-]{43}/g, `$1${GONE}`],
  // 32 bytes or more in base64, with the sign at its end that tells it from a path.
  [/(?<![\w+/-])[\w+/-]{40,}={1,2}(?![\w=])/g, GONE],
  // The same in hex, but for hashes: those are called so, or are part of a name in the vault.
  [/(?<![\w-])(?<!hash\\?"?\s{0,4}[:=]\s{0,4}\\?"?)[0-9a-f]{64,}(?![\w.-])/gi, GONE],
];

export class Redactor {
  readonly #known: readonly string[];

  /** `keys`: those of the cluster, as bytes. */
  constructor(keys: readonly Buffer[]) {
    const written = keys.flatMap((key) => [
      key.toString("hex"),
      key.toString("hex").toUpperCase(),
      key.toString("base64"),
      key.toString("base64").replace(/=+$/, ""),
      key.toString("base64url"),
    ]);
    this.#known = [...new Set(written)].toSorted((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    const unknown = this.#known.reduce((rest, key) => rest.replaceAll(key, GONE), text);
    return SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), unknown);
  }
}
