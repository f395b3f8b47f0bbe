/**
 * The process behind `hotspare proxy`: names the real clock, chance, sockets and transport, logs, and stops in order on
 * SIGTERM and SIGINT. A second signal stops at once.
 */
import { formatAddress, TLS_SECTIONS, type Config } from "../shared/config/config.ts";
import { ConfigKeeper } from "../shared/config/config-keeper.ts";
import { DecidedConfig } from "../shared/config/decided-config.ts";
import { readSecret } from "../shared/config/read-secret.ts";
import { watchSecret } from "../shared/config/secret-watch.ts";
import type { NodeId } from "../shared/ids.ts";
import { nextSignal } from "../shared/next-signal.ts";
import { ownMetrics } from "../shared/process-metrics.ts";
import { processLog } from "../shared/process-log.ts";
import { systemRandom } from "../shared/random.ts";
import { ServiceManager } from "../shared/service-manager.ts";
import { KeyRing } from "../shared/signature/key-ring.ts";
import { systemSockets } from "../shared/sockets.ts";
import { systemClock } from "../shared/system-clock.ts";
import { Networks } from "../shared/tls/networks.ts";
import { warnOfOpenListeners } from "../shared/tls/open-listeners.ts";
import { MessageClient } from "../shared/wire/message-client.ts";
import { mountMessages } from "../shared/wire/message-server.ts";
import { startProxy } from "./proxy.ts";
import { keepYoungSpaceSmall } from "./young-space.ts";
import { chooseTraffic } from "./workers/choose-traffic.ts";

/**
 * Runs until it is told to stop; the process then exits with 0.
 * @throws {HotspareError} HS_PORT_TAKEN, HS_CONFIG_INVALID, HS_SECRET_UNREADABLE, HS_TLS_UNUSABLE, HS_USAGE, before anything was accepted.
 */
export async function runProxy(config: Config, id: NodeId): Promise<void> {
  keepYoungSpaceSmall();
  const log = processLog(id);
  const secret = new KeyRing(readSecret(config.secret, process.env), systemClock);
  const { cluster } = config;
  const networks = await Networks.open(TLS_SECTIONS, {
    tls: config.tls,
    under: systemSockets,
    clock: systemClock,
    log,
  });
  const { sockets } = networks;
  warnOfOpenListeners(config, id, log);
  const decided = new DecidedConfig({ file: config.file, env: process.env, clock: systemClock, log });
  const proxy = await startProxy({
    onDecided: decided.decided,
    config,
    id,
    log,
    clock: systemClock,
    random: systemRandom,
    sockets,
    keyIds: () => secret.keyIds(),
    traffic: chooseTraffic(config, id, log),
    registers: [ownMetrics(), networks.register],
    connect: (parts) =>
      new MessageClient({
        self: id,
        cluster,
        secret,
        clock: systemClock,
        random: systemRandom,
        sockets: sockets.control,
        ...parts,
      }),
    mount: (server, parts) => mountMessages(server, { self: id, cluster, secret, clock: systemClock, ...parts }),
  });
  const { listen, admin } = proxy.addresses;
  log.info({ event: "listening", listen: formatAddress(listen), admin: formatAddress(admin) }, "the proxy listens");
  const keeper = new ConfigKeeper({
    config,
    owner: { kind: "proxy", id },
    env: process.env,
    clock: systemClock,
    log,
    effective: decided.effective,
    apply: (standing) => proxy.configure(standing),
  });
  decided.follow(keeper);
  keeper.start();
  const unwatchSecret = watchSecret({ source: config.secret, keys: secret, clock: systemClock, log });
  const unwatchTls = networks.watch();
  const status = (): string =>
    proxy
      .status()
      .pools.map((pool) => `${pool.id}: ${pool.state}`)
      .join(", ");
  const manager = new ServiceManager({ env: process.env, pid: process.pid, clock: systemClock, log, status });
  manager.ready();
  const signal = await nextSignal();
  log.info({ event: "stopping", signal }, "the proxy stops");
  void nextSignal().then(() => process.exit(1));
  await Promise.all([manager.stopping(), keeper.stop(), decided.stop(), unwatchSecret(), unwatchTls()]);
  await proxy.stop();
  log.info({ event: "stopped" }, "the proxy has stopped");
  process.exit(0);
}
