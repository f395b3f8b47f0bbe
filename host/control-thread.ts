/**
 * Entry of the thread that runs a host's control listener. Ends when told to; if it cannot listen it says why and waits for its end. An
 * error that nobody expected ends the thread, and `control.ts` then reports the host as failed.
 */
import { parentPort, workerData } from "node:worker_threads";
import { assert, isHotspareError, reasonOf } from "../shared/errors.ts";
import { systemSockets, type Sockets } from "../shared/sockets.ts";
import { systemRandom } from "../shared/random.ts";
import { KeyRing } from "../shared/signature/key-ring.ts";
import { systemClock } from "../shared/system-clock.ts";
import { TlsIdentity } from "../shared/tls/tls-identity.ts";
import { TlsSockets } from "../shared/tls/tls-sockets.ts";
import type { MessageRefused } from "../shared/wire/message-server.ts";
import type { ControlThreadData, ToMain, ToThread } from "./control-link.ts";
import { ControlMetrics } from "./control-metrics.ts";
import { controlListener } from "./control-listener.ts";
import { Reception } from "./reception.ts";
import { readWelcome } from "./welcome.ts";
import { ControlState } from "./control-state.ts";
import { ControlCarrier } from "./control-carrier.ts";
import { RefusalNotices } from "../shared/wire/refusal-notices.ts";

assert(parentPort !== null, "control-thread runs as a worker");
const port = parentPort;
const post = (message: ToMain): void => port.postMessage(message);
const { identity, tuning, cluster, secrets, control, tick, files, tls } = workerData as ControlThreadData;

const clock = systemClock;
const keys = new KeyRing(secrets, clock);
const state = new ControlState({
  identity,
  tick,
  startedMs: clock.monotonicMs(),
  tuning,
  onQuarantine: (reason) => post({ type: "quarantine", reason }),
});
const main = new ControlCarrier({ post, clock, host: identity.host });
const metrics = new ControlMetrics();
const notices = new RefusalNotices(clock, (refusal, count) => post({ type: "refused", refusal, count }));
const tlsIdentity = tls === null ? null : new TlsIdentity(tls);
const listener = await controlListener({
  identity,
  cluster,
  keys,
  state,
  main,
  metrics,
  clock,
  onRefused: (refusal) => notices.add(refusal),
  onRevision: () => post({ type: "revision" }),
  reception: new Reception({
    host: identity.host,
    cluster,
    keys,
    clock,
    random: systemRandom,
    read: () => readWelcome(files),
    onWelcomed: (node) => post({ type: "welcomed", node }),
  }),
});

port.on("message", (message: ToThread) => {
  switch (message.type) {
    case "pools":
      return state.setPools(message.pools, message.atMs);
    case "probe":
      return state.setProbe(message.probe, message.atMs);
    case "decisions":
      return state.setDecisions(message.decisions);
    case "configured":
      return state.configure(message.tuning);
    case "measured":
      return metrics.hearMain(message.metrics, message.atMs);
    case "secrets":
      return void keys.replace(message.secrets);
    case "tls":
      return tlsIdentity?.replace(message.material);
    case "stop":
      return void stop();
    default:
      return main.reply(message);
  }
});
await listen();

async function listen(): Promise<void> {
  try {
    await listener.ready();
    const address = await sockets().listen(listener.server, control, `control listener of ${identity.host}`);
    post({ type: "listening", address });
  } catch (error) {
    if (isHotspareError(error)) return post({ type: "unable", code: error.code, details: error.details });
    post({ type: "unable", code: "HS_INTERNAL", details: { what: reasonOf(error) } });
  }
}

function sockets(): Sockets {
  if (tlsIdentity === null) return systemSockets;
  const onRefused = (refusal: MessageRefused): void => notices.add(refusal);
  return new TlsSockets({ identity: tlsIdentity, under: systemSockets, clock, names: "checked", onRefused });
}

/** Ends this thread only. Whoever still waits for the main thread is cut off. */
async function stop(): Promise<void> {
  await listener.close();
  process.exit();
}
