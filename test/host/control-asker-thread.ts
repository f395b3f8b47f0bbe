/**
 * Asks a control listener until it has seen the age of the main thread's tick grow past 200 ms and `/live` fail, and orders a
 * takeover that cannot be begun; then wakes the thread that waits on `heard`.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Address } from "../../shared/config/config.ts";
import { HOST, HOST_BOOT, startClient } from "../shared/wire/nodes.ts";

const { address, secret, heard } = workerData as { address: Address; secret: Uint8Array; heard: Int32Array };
const client = startClient({ secret });

async function report() {
  const body = { bootId: HOST_BOOT, originMs: 1 };
  const result = await client.send("heartbeat", { to: HOST, address, body, timeoutMs: 5000 });
  if (result.type === "failed") throw new Error(result.reason);
  return result.answer.report;
}

let first = (await report()).mainTickAgeMs;
let last = await report();
while (last.mainTickAgeMs <= 200) {
  if (last.mainTickAgeMs < first) first = last.mainTickAgeMs;
  last = await report();
}
const { status } = await fetch(`http://${address.host}:${address.port}/live`);
const order = { pool: "main", bootId: HOST_BOOT, fence: null, cause: "test", votes: [] };
const promoted = await client.send("promote", { to: HOST, address, body: order, timeoutMs: 10_000 });
const outcome = promoted.type === "answer" ? promoted.answer.outcome : promoted.kind;
client.close();
parentPort?.postMessage({ live: status, outcome, grew: last.mainTickAgeMs > first, pools: last.pools.length });
Atomics.store(heard, 0, 1);
Atomics.notify(heard, 0);
