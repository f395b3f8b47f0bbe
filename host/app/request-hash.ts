/**
 * The hash that tells whether a key is used again for the *same* request: method, target, content type, `If-*` fields
 * and the raw body, nothing that forwarding changes.
 *
 * The body is hashed as it enters the request's stream, whoever reads it there, so that a parser, a stream or a
 * decompressor of the application's does not matter; nothing is kept. It is complete when the whole body has arrived.
 */
import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { HotspareError } from "../../shared/errors.ts";
import type { Sha256 } from "../../shared/ids.ts";

export class RequestHash {
  readonly #hash: Hash;
  #complete: boolean;
  #digest: Sha256 | null = null;

  /** Must be made before anything of the body was read: in the first hook. */
  constructor(request: IncomingMessage) {
    this.#hash = createHash("sha256").update(head(request));
    this.#complete = !hasBody(request);
    if (!this.#complete) this.#tap(request);
  }

  /** @throws {HotspareError} HS_WRITE_MISUSE if the body has not arrived to its end. */
  digest(): Sha256 {
    if (!this.#complete) {
      throw new HotspareError("HS_WRITE_MISUSE", {
        reason: "the request's body must be read to its end before the write",
      });
    }
    this.#digest ??= this.#hash.digest("hex") as Sha256;
    return this.#digest;
  }

  /** Every byte of a body passes `push`, and `null` ends it, whether it is then read by events, by `read` or by iteration. */
  #tap(request: IncomingMessage): void {
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | string | null, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.#complete = true;
      else if (typeof chunk === "string") this.#hash.update(chunk, encoding ?? "utf8");
      else this.#hash.update(chunk);
      return push(chunk, encoding);
    };
  }
}

/** Whether the message has a body, by its framing (RFC 9112, section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function head({ method, url, headers }: IncomingMessage): string {
  const conditions = Object.keys(headers)
    .filter((name) => name.startsWith("if-"))
    .sort()
    .map((name) => [name, headers[name]]);
  return `${JSON.stringify([method, url, headers["content-type"] ?? "", conditions])}\n`;
}
