/**
 * A host in a process of its own or of the user's: with the real clock and chance, and with what keeps its configuration, its
 * secret and its certificates as the files and the decisions have them.
 */
import type { Config } from "../shared/config/config.ts";
import { ConfigKeeper } from "../shared/config/config-keeper.ts";
import { DecidedConfig } from "../shared/config/decided-config.ts";
import { readSecret } from "../shared/config/read-secret.ts";
import { watchSecret } from "../shared/config/secret-watch.ts";
import { isHotspareError, reasonOf } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import { killItself } from "../shared/kill-itself.ts";
import type { processLog } from "../shared/process-log.ts";
import { systemRandom } from "../shared/random.ts";
import { KeyRing } from "../shared/signature/key-ring.ts";
import { systemClock } from "../shared/system-clock.ts";
import type { LoadedApp } from "./app/app.ts";
import { startHost, type RunningHost } from "./host.ts";
import { openHostNetworks } from "./host-networks.ts";
import { systemParts } from "./system-parts.ts";

export interface LiveHostOptions {
  readonly config: Config;
  readonly id: NodeId;
  readonly log: ReturnType<typeof processLog>;
  /** Instead of the one that the configuration names. */
  readonly app?: LoadedApp;
}

export interface LiveHost {
  readonly host: RunningHost;
  /** Its pools go to others, as far as there are some; then everything is closed. Idempotent. */
  readonly stop: () => Promise<void>;
}

/** @throws {HotspareError} what `startHost` throws; HS_SECRET_UNREADABLE, HS_TLS_UNUSABLE. */
export async function startLiveHost({ config, id, log, app }: LiveHostOptions): Promise<LiveHost> {
  const env = process.env;
  const clock = systemClock;
  const secret = new KeyRing(readSecret(config.secret, env), clock);
  const networks = await openHostNetworks(config, id, log);
  const decided = new DecidedConfig({ file: config.file, env, clock, log });
  const host = await startHost({
    onDecided: decided.decided,
    config,
    id,
    secret,
    clock,
    random: systemRandom,
    log,
    die: dieWith(log),
    parts: systemParts(networks),
    ...(app && { app }),
  });
  const keeper = new ConfigKeeper({
    config,
    owner: { kind: "host", id },
    env,
    clock,
    log,
    effective: decided.effective,
    apply: (standing) => host.configure(standing),
  });
  decided.follow(keeper);
  keeper.start();
  const unwatchSecret = watchSecret({ source: config.secret, keys: secret, clock, log });
  const unwatchTls = networks.watch();
  const stop = async (): Promise<void> => {
    await Promise.all([keeper.stop(), decided.stop(), unwatchSecret(), unwatchTls()]);
    await host.stop();
  };
  return { host, stop };
}

/** What must not go on must not answer either, and `exit` would wait for a share that hangs. */
const dieWith =
  (log: LiveHostOptions["log"]) =>
  (error: unknown): void => {
    const code = isHotspareError(error) ? error.code : "HS_INTERNAL";
    const stack = error instanceof Error ? error.stack : undefined;
    log.fatal({ code, reason: reasonOf(error), stack }, "the host kills itself");
    killItself();
  };
