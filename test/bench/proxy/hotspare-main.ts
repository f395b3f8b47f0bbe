/**
 * A real proxy in a process of its own: real sockets, real clock, the given configuration. Scripted is only what it hears
 * from its one host, which serves and is well. `node hotspare-main.ts <file of the configuration>`; SIGTERM ends it.
 */
import { pino } from "pino";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { nextSignal } from "../../../shared/next-signal.ts";
import { systemRandom } from "../../../shared/random.ts";
import { sameSockets, systemSockets } from "../../../shared/sockets.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { startProxy } from "../../../proxy/proxy.ts";
import { chooseTraffic } from "../../../proxy/workers/choose-traffic.ts";
import { keepYoungSpaceSmall } from "../../../proxy/young-space.ts";
import { FakeHost } from "../../proxy/fake-host.ts";
import { FakeTransport } from "../../proxy/fake-transport.ts";

const config = loadConfig(process.argv[2] ?? "", process.env);
const host = new FakeHost("host-a", 1);
host.serve(1);
const { id } = config.proxies[0]!;
const log = pino({ level: "warn" }, pino.destination({ sync: true }));
// As a proxy's own entry does.
keepYoungSpaceSmall();
const proxy = await startProxy({
  config,
  id,
  clock: systemClock,
  random: systemRandom,
  sockets: sameSockets(systemSockets),
  log,
  connect: () => new FakeTransport([host], systemClock),
  mount: () => Promise.resolve(),
  keyIds: () => [],
  traffic: chooseTraffic(config, id, log),
});
await nextSignal();
await proxy.stop();
process.exit(0);
