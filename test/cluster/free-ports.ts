/**
 * Ports that nobody listens on now, given back just before use. They are none of those that the system hands out by itself,
 * to whoever connects or asks for any port: the nodes that are to bind them may take seconds to start.
 */
import { createServer } from "node:net";

/** Below what systems hand out: from 32768 on, or from 49152. */
const [FIRST, LAST] = [10_000, 32_000];
const MOST_TRIES = 100;

/** A block at random, so that several clusters that are made at the same time hardly meet. */
export async function freePorts(count: number): Promise<number[]> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const first = FIRST + Math.floor(Math.random() * (LAST - FIRST - count));
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
  throw new Error(`found no ${count} free ports in a row from ${FIRST} to ${LAST}`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
