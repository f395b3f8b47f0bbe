/**
 * The thread that moves a store's WAL into its database while commits go on: PASSIVE takes no lock that a writer or a
 * reader needs. A failure of the disk ends the thread, and with it the store that it belongs to.
 */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { WalOrder, WalReport, WalThreadData } from "./wal.ts";

const { file, closed } = workerData as WalThreadData;
const database = new DatabaseSync(file, { timeout: 0 });
database.exec("pragma synchronous = normal");
const passive = database.prepare("pragma wal_checkpoint(passive)");

parentPort?.on("message", (order: WalOrder) => {
  if (order === "close") {
    database.close();
    Atomics.store(closed, 0, 1);
    Atomics.notify(closed, 0);
    parentPort?.close();
    return;
  }
  const row = passive.get();
  const report: WalReport = row?.["log"] === row?.["checkpointed"] ? "moved" : "blocked";
  parentPort?.postMessage(report);
});
