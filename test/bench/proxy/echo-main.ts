/** The upstream that sends back each WebSocket message, on bare sockets: `node echo-main.ts <port>`. */
import { createServer, type Socket } from "node:net";
import { acceptOf, FrameReader, plainFrame } from "./echo-frames.ts";

const MOST_HEAD_BYTES = 16 * 1024;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  let head: Buffer = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0 && head.length < MOST_HEAD_BYTES) return;
    socket.off("data", onHead);
    upgrade(socket, head.toString("latin1", 0, Math.max(0, end)), head.subarray(end + 4));
  };
  socket.on("data", onHead);
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });

function upgrade(socket: Socket, head: string, first: Buffer): void {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1];
  if (key === undefined) return void socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`);
  const reader = new FrameReader();
  const echo = (chunk: Buffer): void => {
    try {
      for (const message of reader.read(chunk)) socket.write(plainFrame(message));
    } catch {
      socket.destroy();
    }
  };
  socket.on("data", echo);
  if (first.length > 0) echo(first);
}
