/** Where one WebSocket frame ends and the next begins (RFC 6455, 5.2): only there may another one be put in. */

const EXTENDED_BYTES: Readonly<Record<number, number>> = { 126: 2, 127: 8 };
const CLOSE = 8;
const MASK_BYTES = 4;

/** A close frame of a server: 1012, the service restarts, connect again. */
export const RESTART_FRAME = Buffer.from([0x80 | CLOSE, 2, 0x03, 0xf4]);

export class FrameBoundary {
  #header: number[] = [];
  #payloadLeft = 0;
  #closed = false;

  /** Whether what has passed so far ends with a frame. */
  get isHere(): boolean {
    return this.#header.length === 0 && this.#payloadLeft === 0;
  }

  /** A close frame has passed: nothing may follow it. */
  get isClosed(): boolean {
    return this.#closed;
  }

  pass(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const skipped = Math.min(this.#payloadLeft, bytes.length - at);
      this.#payloadLeft -= skipped;
      at += skipped;
      if (this.#payloadLeft === 0 && at < bytes.length) this.#addHeader(bytes.readUInt8(at++));
    }
  }

  #addHeader(octet: number): void {
    this.#header.push(octet);
    const [first = 0, second] = this.#header;
    if (second === undefined) return;
    const short = second & 0x7f;
    const extended = EXTENDED_BYTES[short] ?? 0;
    const mask = (second & 0x80) === 0 ? 0 : MASK_BYTES;
    if (this.#header.length < 2 + extended + mask) return;
    const length = this.#header.slice(2, 2 + extended).reduce((sum, part) => sum * 256 + part, 0);
    this.#payloadLeft = extended === 0 ? short : length;
    this.#closed ||= (first & 0x0f) === CLOSE;
    this.#header = [];
  }
}
