/**
 * Entry of the thread that runs a host's control listener. Ends when told to; if it cannot listen it says why and waits for its end. An
 * error that nobody expected ends the thread, and `control.ts` then reports the host as failed.
 */
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { formatAddress } from "../shared/config/config.ts";
import { assert, reasonOf } from "../shared/errors.ts";
import { KeyRing } from "../shared/signature/key-ring.ts";
import { systemClock } from "../shared/system-clock.ts";
import type { ControlThreadData, ToMain, ToThread } from "./control-link.ts";
import { controlListener } from "./control-listener.ts";
import { ControlState } from "./control-state.ts";
import { ControlCarrier } from "./control-carrier.ts";
import { RefusalNotices } from "../shared/wire/refusal-notices.ts";

assert(parentPort !== null, "control-thread runs as a worker");
const port = parentPort;
const post = (message: ToMain): void => port.postMessage(message);
const { identity, cluster, secrets, control, tick, stalledMs, voteWaitMs, quarantine } =
  workerData as ControlThreadData;

const clock = systemClock;
const keys = new KeyRing(secrets, clock);
const state = new ControlState({
  identity,
  tick,
  startedMs: clock.monotonicMs(),
  quarantine,
  onQuarantine: (reason) => post({ type: "quarantine", reason }),
});
const main = new ControlCarrier({ post, clock, host: identity.host });
const notices = new RefusalNotices(clock, (refusal, count) => post({ type: "refused", refusal, count }));
const listener = await controlListener({
  identity,
  cluster,
  keys,
  state,
  main,
  clock,
  stalledMs,
  voteWaitMs,
  onRefused: (refusal) => notices.add(refusal),
});

port.on("message", (message: ToThread) => {
  switch (message.type) {
    case "pools":
      return state.setPools(message.pools, message.atMs);
    case "probe":
      return state.setProbe(message.probe, message.atMs);
    case "secrets":
      return void keys.replace(message.secrets);
    case "stop":
      return void stop();
    default:
      return main.reply(message);
  }
});
await listen();

async function listen(): Promise<void> {
  try {
    await listener.listen(control);
  } catch (error) {
    const details = {
      address: formatAddress(control),
      what: `control listener of ${identity.host}`,
      reason: reasonOf(error),
    };
    return post({ type: "unable", code: "HS_PORT_TAKEN", details });
  }
  const { address, port: actual } = listener.server.address() as AddressInfo;
  post({ type: "listening", address: { host: address, port: actual } });
}

/** Ends this thread only. Whoever still waits for the main thread is cut off. */
async function stop(): Promise<void> {
  await listener.close();
  process.exit();
}
