/** A data plane on an ephemeral port with scripted hosts behind it; routes are set by the test. */
import { Registry } from "prom-client";
import type { Address, PoolConfig, TlsFiles } from "../../../shared/config/config.ts";
import { parseBootId, parsePoolId, type NodeId } from "../../../shared/ids.ts";
import { silentLog } from "../../../shared/log.ts";
import { sameSockets, systemSockets, type Sockets } from "../../../shared/sockets.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { Networks } from "../../../shared/tls/networks.ts";
import type { AccessEntry } from "../../../proxy/relay/access-entry.ts";
import { DataPlane } from "../../../proxy/relay/data-plane.ts";
import type { OpenRoute } from "../../../proxy/relay/gate.ts";
import { FakeHost, hex } from "../fake-host.ts";

export const MAIN = parsePoolId("main");
export const BOOT_ID = parseBootId(hex(7));

export const poolConfig = (more: Partial<PoolConfig> = {}): PoolConfig => ({
  id: MAIN,
  app: "spaces",
  writtenApp: "spaces",
  routes: [{ host: null, path: "/" }],
  preferred: [],
  writtenPreferred: [],
  checkpoint: { bytes: 1, intervalMs: 1, keep: 2 },
  park: { requests: 100, bytes: 1 << 20, waitMs: 5000 },
  replay: { attempts: 2, bodyBytes: 64 * 1024, answerBytes: 32 * 1024, policy: "keyed" },
  reads: "auto",
  idempotency: { clientMs: 1, proxyMs: 1 },
  ...more,
});

async function publicSockets(files: TlsFiles | null): Promise<Sockets> {
  const tls = { public: files, admin: null, control: null, data: null };
  const opened = { tls, under: systemSockets, clock: systemClock, log: silentLog };
  return (await Networks.open(["public"], opened)).sockets.public;
}

export interface Plane {
  readonly plane: DataPlane;
  readonly address: Address;
  readonly a: FakeHost;
  readonly b: FakeHost;
  readonly troubles: NodeId[];
  readonly accesses: readonly AccessEntry[];
  readonly routeTo: (host: FakeHost, epoch: number) => OpenRoute;
  readonly stop: () => Promise<void>;
}

export async function startPlane(
  pool: Partial<PoolConfig> = {},
  more: { readonly trust?: readonly string[]; readonly tls?: TlsFiles } = {},
): Promise<Plane> {
  const accesses: AccessEntry[] = [];
  const a = new FakeHost("host-a", 1);
  const b = new FakeHost("host-b", 2);
  const addresses = new Map([
    [a.id, await a.listen()],
    [b.id, await b.listen()],
  ]);
  const troubles: NodeId[] = [];
  const plane = new DataPlane({
    settings: {
      pools: [poolConfig(pool)],
      addresses,
      lingerMs: 50,
      trust: more.trust ?? [],
      accessLog: true,
    },
    bootId: BOOT_ID,
    clock: systemClock,
    sockets: { ...sameSockets(systemSockets), public: await publicSockets(more.tls ?? null) },
    register: new Registry(),
    logTimeMs: () => 1234.5,
    trafficFailed: (host) => {
      troubles.push(host);
      // As a proxy does: ask when the failed request has been dealt with, and tell if there is an answer.
      const asked = [a, b].find(({ id }) => id === host);
      systemClock.after(1, () => {
        if (asked?.state === "alive") plane.hostLives(host, systemClock.monotonicMs());
      });
    },
    logAccess: (entry) => void accesses.push(entry),
  });
  const address = await plane.listen({ host: "127.0.0.1", port: 0 });
  const routeTo = (host: FakeHost, epoch: number): OpenRoute => {
    const route = { host: host.id, epoch };
    plane.setRoute(MAIN, route);
    return route;
  };
  const stop = async (): Promise<void> => {
    await plane.stop(0);
    await Promise.all([a.stop(), b.stop()]);
  };
  return { plane, address, a, b, troubles, accesses, routeTo, stop };
}
