/**
 * A process with two workers, which a test kills. It says which they are; requests are answered, but those to the small
 * pool, which wait. What the workers log follows on the same output.
 */
import type { Address } from "../../../shared/config/config.ts";
import { startWorkers } from "./carrier.ts";

export interface ParentNews {
  readonly pids: readonly number[];
  readonly address: Address;
}

const carrier = await startWorkers({ accessLog: true });
carrier.routeTo(carrier.a);
const { traffic, address } = carrier;
process.stdout.write(`${JSON.stringify({ pids: traffic.pids(), address } satisfies ParentNews)}\n`);
