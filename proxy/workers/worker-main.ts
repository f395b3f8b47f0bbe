/**
 * A worker process of a proxy: names the real clock and chance, logs, and listens to its parent. It stops when the parent
 * says so, and not by a signal: Ctrl-C and most supervisors send theirs to all processes at once, while the proxy still has
 * to lead requests to a primary. Without its parent it ends at once: `node:cluster` sees to that.
 */
import { reasonOf } from "../../shared/errors.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { processLog } from "../../shared/process-log.ts";
import { programVersion } from "../../shared/program-version.ts";
import { systemRandom } from "../../shared/random.ts";
import { sharingSockets, systemSockets } from "../../shared/sockets.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { keepYoungSpaceSmall } from "../young-space.ts";
import { TrafficWorker } from "./traffic-worker.ts";
import { checkToWorker, type FromWorker } from "./worker-messages.ts";

/** Reports that the parent has not taken: above that, those that another one will replace are left out. */
const MOST_UNSENT = 64;
const EXIT_CODES = { stopped: 0, failed: 69, broken: 70 } as const;

keepYoungSpaceSmall();
const [node = "", number = ""] = process.argv.slice(2);
const log = processLog(parseNodeId(node)).child({ worker: Number(number) });
let unsent = 0;

function send(message: FromWorker): void {
  unsent += 1;
  process.send?.(message, undefined, undefined, () => (unsent -= 1));
}

function trySend(message: FromWorker): boolean {
  if (unsent >= MOST_UNSENT) return false;
  send(message);
  return true;
}

/** What was sent before has gone when the channel has taken the last of it. */
function exit(code: keyof typeof EXIT_CODES): void {
  process.send?.({ type: "pong" } satisfies FromWorker, undefined, undefined, () => process.exit(EXIT_CODES[code]));
}

process.on("SIGTERM", () => undefined);
process.on("SIGINT", () => undefined);
process.on("uncaughtException", (error) => {
  log.fatal({ event: "internal", reason: reasonOf(error), stack: error.stack }, "the worker ends itself");
  process.exit(EXIT_CODES.broken);
});

const worker = new TrafficWorker({
  clock: systemClock,
  random: systemRandom,
  log,
  sockets: { own: sharingSockets, common: systemSockets },
  send,
  trySend,
  exit,
});
process.on("message", (message) => worker.hear(checkToWorker(message)));
send({ type: "awake", version: programVersion() });
