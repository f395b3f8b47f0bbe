/**
 * Which nodes of the configuration run on this machine: those that are reached at one of its addresses. Loopback counts
 * only where a node has nothing else, since each machine means itself by it.
 */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config/config.ts";
import { isLoopback, isWildcard } from "../../shared/config/parse-address.ts";
import { inTime } from "./in-time.ts";

export interface Machine {
  /** Of its interfaces. */
  readonly addresses: ReadonlySet<string>;
  /** The addresses that a name stands for; none where nobody knows it. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

/** A name server that says nothing must not hold up a command. */
const RESOLVE_MS = 1000;

export const thisMachine = (clock: Clock): Machine => ({
  addresses: new Set(Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address))),
  resolve: (name) => inTime(addressesOf(name), [], { clock, timeoutMs: RESOLVE_MS }),
});

/** Their ids. Never throws. */
export async function ownNodes({ hosts, proxies }: Config, machine: Machine): Promise<ReadonlySet<string>> {
  const nodes = [
    ...hosts.map(({ id, control, advertise }) => ({ id, addresses: [control, advertise] })),
    ...proxies.map(({ id, gossip, advertise }) => ({ id, addresses: [gossip, advertise] })),
  ];
  const found = await Promise.all(
    nodes.map(async ({ id, addresses }) => {
      const names = [...new Set(addresses.filter((address) => !isWildcard(address)).map(({ host }) => host))];
      return (await isOwn(names, machine)) ? [id] : [];
    }),
  );
  return new Set(found.flat());
}

async function isOwn(names: readonly string[], machine: Machine): Promise<boolean> {
  const telling = names.filter((name) => !isLoopback(name));
  if (telling.length === 0) return true;
  const resolved = await Promise.all(telling.map((name) => machine.resolve(name)));
  return resolved.flat().some((address) => isLoopback(address) || machine.addresses.has(address));
}

/** An address stands for itself. */
const addressesOf = (name: string): Promise<readonly string[]> =>
  lookup(name, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );
