/**
 * Whether a cluster's addresses on this machine are free, before anything is made or started: each is listened on for a
 * moment, all at once, so that all that are taken are named in one error.
 */
import { createServer } from "node:net";
import { formatAddress, type Address, type Config } from "../../../shared/config/config.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";

interface Place {
  readonly what: string;
  readonly address: Address;
}

/** @throws {HotspareError} HS_PORT_TAKEN with every address that cannot be listened on; `advice` is the last of its words. */
export async function checkPorts(config: Pick<Config, "hosts" | "proxies">, advice: string): Promise<void> {
  const places = placesOf(config);
  const failures = await Promise.all(places.map(({ address }) => listenOnce(address)));
  const taken = places.flatMap((place, index) => (failures[index] ? [{ ...place, reason: failures[index] }] : []));
  if (taken.length === 0) return;
  throw new HotspareError("HS_PORT_TAKEN", {
    address: taken.map(({ address }) => formatAddress(address)).join(", "),
    what: taken.map(({ what }) => what).join(", "),
    reason: `${[...new Set(taken.map(({ reason }) => reason))].join("; ")}. ${advice}`,
  });
}

function placesOf({ hosts, proxies }: Pick<Config, "hosts" | "proxies">): readonly Place[] {
  return [
    ...proxies.flatMap(({ id, listen, admin }) => [
      { what: id, address: listen },
      { what: `admin of ${id}`, address: admin },
    ]),
    ...hosts.flatMap(({ id, listen, control }) => [
      { what: id, address: listen },
      { what: `control of ${id}`, address: control },
    ]),
  ];
}

/** Why it cannot be listened on; `null` if it can. Port 0 always can. */
function listenOnce({ host, port }: Address): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRINUSE" ? "another process listens there" : reasonOf(error)),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
