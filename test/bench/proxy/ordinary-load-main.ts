/**
 * Ordinary clients, who ask at a steady pace whatever the answers do: `node ordinary-load-main.ts <host:port> <seconds>`.
 * The time of a request that had to wait for the one before runs from when it was due, so that this counts too. At the end every
 * request is waited for; one that is broken off, wrong or not answered in time has failed. Prints one line of JSON.
 */
import { connect, type Socket } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { parseAddress } from "../../../shared/config/parse-address.ts";
import { ORDINARY } from "./flood.ts";
import type { LoadFigures } from "./load.ts";

const ANSWER_MS = 10_000;
const NS_PER_MS = 1e6;
const EVERY_MS = (1000 * (ORDINARY.kept + ORDINARY.fresh)) / ORDINARY.requestsPerSecond;

const [target = "", seconds = ""] = process.argv.slice(2);
const address = parseAddress(target)!;
const histogram = createHistogram();
const kinds = [...Array(ORDINARY.kept).fill("kept"), ...Array(ORDINARY.fresh).fill("fresh")] as ("kept" | "fresh")[];
let failed = 0;

const startMs = performance.now();
const requestsOfClient = Math.round((Number(seconds) * 1000) / EVERY_MS);
/** Whoever is so late gives up the rest, which has failed. */
const lastMs = startMs + Number(seconds) * 1000 + ANSWER_MS;
// They begin one after the other, so that their requests do not come in bursts.
await Promise.all(kinds.map((kind, at) => beClient(kind, startMs + (at * EVERY_MS) / kinds.length)));
const atMs = (percent: number): number => histogram.percentile(percent) / NS_PER_MS;
const elapsedMs = performance.now() - startMs;
const figures: LoadFigures = { requests: histogram.count, elapsedMs, p50Ms: atMs(50), p99Ms: atMs(99), failed };
process.stdout.write(`${JSON.stringify(figures)}\n`);

async function beClient(kind: "kept" | "fresh", firstMs: number): Promise<void> {
  let socket: Socket | null = null;
  for (let asked = 0; asked < requestsOfClient; asked += 1) {
    const dueMs = firstMs + asked * EVERY_MS;
    const restMs = dueMs - performance.now();
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    if (performance.now() > lastMs) {
      failed += 1;
      continue;
    }
    if (socket === null || socket.destroyed || !socket.writable) socket = open();
    // Whoever was free when it was due is not blamed for the timer here.
    const fromMs = restMs > 0 ? performance.now() : dueMs;
    const isAnswered = await ask(socket, kind);
    if (isAnswered) histogram.record(Math.max(1, Math.round((performance.now() - fromMs) * NS_PER_MS)));
    else failed += 1;
    if (kind === "fresh" || !isAnswered) socket.destroy();
  }
  socket?.destroy();
}

function open(): Socket {
  const socket = connect({ ...address, noDelay: true });
  return socket.on("error", () => undefined);
}

/** Whether a whole and right answer came. */
function ask(socket: Socket, kind: "kept" | "fresh"): Promise<boolean> {
  return new Promise((resolve) => {
    let answer: Buffer = Buffer.alloc(0);
    const settle = (isAnswered: boolean): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose);
      resolve(isAnswered);
    };
    const onClose = (): void => settle(false);
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const bodyAt = answer.indexOf("\r\n\r\n") + 4;
      if (bodyAt < 4 || answer.length - bodyAt < ORDINARY.answerBytes) return;
      settle(answer.length - bodyAt === ORDINARY.answerBytes && answer.toString("latin1", 0, 13) === "HTTP/1.1 200 ");
    };
    const timer = setTimeout(settle, ANSWER_MS, false);
    socket.on("data", onData).on("close", onClose);
    const connection = kind === "fresh" ? "Connection: close\r\n" : "";
    socket.write(`GET ${ORDINARY.path} HTTP/1.1\r\nHost: bench\r\n${connection}\r\n`);
  });
}
