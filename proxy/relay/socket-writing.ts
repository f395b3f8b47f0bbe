/** Messages onto a socket, in as few writes as it takes: each is a call of the kernel, and costs more than copying a little. */
import type { Socket } from "node:net";

/** Up to here a body is cheaper copied behind its head than written beside it. */
const COPIED_BYTES = 16 * 1024;

/** A head and all of its body. False: the socket is full. */
export function writeWhole(socket: Socket, head: string, body: readonly Buffer[]): boolean {
  let bytes = 0;
  for (const chunk of body) bytes += chunk.length;
  if (bytes <= COPIED_BYTES) {
    let text = head;
    for (const chunk of body) text += chunk.toString("latin1");
    return socket.write(text, "latin1");
  }
  socket.cork();
  let hasRoom = socket.write(head, "latin1");
  for (const chunk of body) hasRoom = socket.write(chunk);
  socket.uncork();
  return hasRoom;
}

/** One chunk of a chunked body. False: the socket is full. */
export function writeChunk(socket: Socket, chunk: Buffer): boolean {
  if (chunk.length === 0) return true;
  socket.cork();
  socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
  socket.write(chunk);
  const hasRoom = socket.write("\r\n", "latin1");
  socket.uncork();
  return hasRoom;
}

/** The end of a chunked body. */
export function writeLastChunk(socket: Socket, trailers: string): void {
  socket.write(`0\r\n${trailers}\r\n`, "latin1");
}
