/**
 * Clients that send a WebSocket message each as soon as the last one has come back, on bare sockets:
 * `node echo-load-main.ts <host:port> <connections> <seconds>`. Prints what it measured as one line of JSON.
 */
import { connect, type Socket } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { parseAddress } from "../../../shared/config/parse-address.ts";
import { acceptOf, maskedFrame, plainFrame } from "./echo-frames.ts";
import type { LoadFigures } from "./load.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const MESSAGE = Buffer.alloc(100, "echo ");
const QUESTION = maskedFrame(MESSAGE, Buffer.from([17, 34, 51, 68]));
const ANSWER = plainFrame(MESSAGE);
const NS_PER_MS = 1e6;

const [target = "", connections = "", seconds = ""] = process.argv.slice(2);
const address = parseAddress(target)!;
const histogram = createHistogram();
let failed = 0;
let ended = false;

const sockets = await Promise.all(Array.from({ length: Number(connections) }, open));
const startMs = performance.now();
for (const socket of sockets) ask(socket);
setTimeout(end, Number(seconds) * 1000);

/** Resolves when the upgrade has been answered. */
function open(): Promise<Socket> {
  const socket = connect({ ...address, noDelay: true });
  const fields = `Host: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}`;
  socket.write(`GET /echo HTTP/1.1\r\n${fields}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    let head = "";
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      socket.off("data", onHead).off("error", reject);
      const isRight = head.startsWith("HTTP/1.1 101 ") && head.includes(acceptOf(KEY));
      if (isRight) resolve(socket);
      else reject(new Error(`the upgrade was answered with ${head.split("\r\n", 1)[0]}`));
    };
    socket.on("data", onHead).once("error", reject);
    socket.once("close", () => reject(new Error(`the upgrade was not answered: ${head}`)));
  });
}

function ask(socket: Socket): void {
  let sentMs = performance.now();
  let answer: Buffer = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.once("close", () => (failed += ended ? 0 : 1));
  socket.on("data", (chunk: Buffer) => {
    answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk]);
    if (answer.length < ANSWER.length) return;
    if (!answer.equals(ANSWER)) return void socket.destroy();
    const nowMs = performance.now();
    histogram.record(Math.max(1, Math.round((nowMs - sentMs) * NS_PER_MS)));
    [answer, sentMs] = [Buffer.alloc(0), nowMs];
    socket.write(QUESTION);
  });
  socket.write(QUESTION);
}

function end(): void {
  ended = true;
  const elapsedMs = performance.now() - startMs;
  const atMs = (percent: number): number => histogram.percentile(percent) / NS_PER_MS;
  const figures: LoadFigures = { requests: histogram.count, elapsedMs, p50Ms: atMs(50), p99Ms: atMs(99), failed };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  for (const socket of sockets) socket.destroy();
}
