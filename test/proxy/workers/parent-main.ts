/** A process with two workers, which a test kills. It says which they are; requests to them wait for a primary. */
import type { Address } from "../../../shared/config/config.ts";
import { startWorkers } from "./carrier.ts";

export interface ParentNews {
  readonly pids: readonly number[];
  readonly address: Address;
}

const { traffic, address } = await startWorkers();
process.stdout.write(`${JSON.stringify({ pids: traffic.pids(), address } satisfies ParentNews)}\n`);
