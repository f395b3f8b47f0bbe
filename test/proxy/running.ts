/** A whole proxy in this process with three fake hosts behind it: `a` serves, `b` and `c` follow. */
import { pino } from "pino";
import type { Address, Config } from "../../shared/config/config.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { systemRandom } from "../../shared/random.ts";
import { sameSockets, systemSockets } from "../../shared/sockets.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { startProxy } from "../../proxy/proxy.ts";
import type { RunningProxy } from "../../proxy/running-proxy.ts";
import { TUNING } from "../tuning.ts";
import { FakeHost, fenceOf } from "./fake-host.ts";
import { FakeTransport } from "./fake-transport.ts";
import { poolConfig } from "./relay/plane.ts";

/** Other proxies are not heard. */
export const NO_INBOX = { mount: () => Promise.resolve(), keyIds: () => [] };
const ANY: Address = { host: "127.0.0.1", port: 0 };
const PROXY = { listen: ANY, admin: ANY, advertise: ANY, gossip: ANY, workers: 1, trust: [], accessLog: false };

export interface Running {
  readonly proxy: RunningProxy;
  readonly listen: Address;
  readonly admin: Address;
  readonly hosts: readonly [FakeHost, FakeHost, FakeHost];
  /** Lines of the log. */
  readonly lines: readonly Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

export async function startRunning(more: (config: Config) => Config = (config) => config): Promise<Running> {
  const hosts = [new FakeHost("host-a", 1), new FakeHost("host-b", 2), new FakeHost("host-c", 3)] as const;
  hosts[0].serve(1);
  for (const host of hosts.slice(1)) host.follow(fenceOf("host-a", 1, hosts[0].bootId));
  const config = more(await configOf(hosts));
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: "info" },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const connect = (): FakeTransport => new FakeTransport(hosts, systemClock);
  const id = parseNodeId("proxy-1");
  const given = { clock: systemClock, random: systemRandom, sockets: sameSockets(systemSockets) };
  const proxy = await startProxy({ config, id, ...given, log, connect, ...NO_INBOX });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    await Promise.all(hosts.map((host) => host.stop()));
  };
  return { proxy, ...proxy.addresses, hosts, lines, stop };
}

export async function configOf(hosts: readonly FakeHost[]): Promise<Config> {
  const listening = await Promise.all(hosts.map(async (host) => ({ host, address: await host.listen() })));
  return {
    file: "/etc/hotspare.yaml",
    hash: "c",
    cluster: "test",
    secret: { env: "NONE" },
    vault: { directory: "/none", id: null },
    proxies: [
      { ...PROXY, id: parseNodeId("proxy-1") },
      { ...PROXY, id: parseNodeId("proxy-2") },
    ],
    hosts: listening.map(({ host, address }) => ({
      id: host.id,
      listen: address,
      control: address,
      advertise: address,
      data: "/none",
      mode: "restore",
      candidate: true,
      vault: null,
    })),
    pools: [poolConfig({ preferred: hosts.map(({ id }) => id) })],
    ...TUNING,
    health: { ...TUNING.health, intervalMs: 100, timeoutMs: 100 },
    takeover: { timeoutMs: 2000 },
    cleanDelayMs: 1,
    rejoin: "auto",
    hooks: [],
    failback: "manual",
    failbackStableMs: 1000,
  };
}
