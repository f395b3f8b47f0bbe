/** As much of WebSocket (RFC 6455) as an echo needs: whole binary messages of up to 125 bytes, one in each frame. */
import { createHash } from "node:crypto";

const BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
const MOST_BYTES = 125;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export const acceptOf = (key: string): string => createHash("sha1").update(`${key}${GUID}`).digest("base64");

/** A frame of a server. */
export const plainFrame = (message: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([BINARY, message.length]), message]);

/** A frame of a client. */
export const maskedFrame = (message: Uint8Array, mask: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([BINARY, MASKED | message.length]), mask, unmasked(message, mask)]);

/** Puts a client's frames together again, wherever the network cut them. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that `chunk` completes. @throws if it is no frame that this can read. */
  read(chunk: Buffer): readonly Buffer[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (bytes.length >= 2) {
      const length = lengthOf(bytes);
      const end = 2 + MASK_BYTES + length;
      if (bytes.length < end) break;
      messages.push(unmasked(bytes.subarray(2 + MASK_BYTES, end), bytes.subarray(2, 2 + MASK_BYTES)));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return messages;
  }
}

function lengthOf(frame: Buffer): number {
  const length = frame[1]! & ~MASKED;
  if (frame[0] !== BINARY || frame[1]! < MASKED || length > MOST_BYTES) throw new Error("a frame of another kind");
  return length;
}

function unmasked(bytes: Uint8Array, mask: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) message[at] = bytes[at]! ^ mask[at % MASK_BYTES]!;
  return message;
}
