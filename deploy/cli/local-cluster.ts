/** The configuration of a whole cluster on this machine: two proxies, three hosts, everything in the file's own folder. */
import { formatAddress } from "../../shared/config/config.ts";
import { isLoopback } from "../../shared/config/parse-address.ts";

/** The ports of a local cluster; each pair is listen and admin, or listen and control. */
export interface LocalPorts {
  readonly proxies: readonly (readonly [number, number])[];
  readonly hosts: readonly (readonly [number, number])[];
}

export const DEFAULT_PORTS: LocalPorts = {
  proxies: [
    [8080, 8090],
    [8081, 8091],
  ],
  hosts: [
    [7100, 7101],
    [7110, 7111],
    [7120, 7121],
  ],
};

/** Of as many as somebody wants, at most ten each: they begin as those above. */
export const usualPorts = (proxies: number, hosts: number): LocalPorts => ({
  proxies: Array.from({ length: proxies }, (_, index) => [8080 + index, 8090 + index] as const),
  hosts: Array.from({ length: hosts }, (_, index) => [7100 + 10 * index, 7101 + 10 * index] as const),
});

export const PORTS_IN_BLOCK = 26;

/** All ports of a cluster from the block that begins at `first`; clients connect to `first` and `first + 1`. */
export function portBlock(first: number): LocalPorts {
  return {
    proxies: [
      [first, first + 10],
      [first + 1, first + 11],
    ],
    hosts: [
      [first + 20, first + 21],
      [first + 22, first + 23],
      [first + 24, first + 25],
    ],
  };
}

/** What people may want otherwise. */
export interface ClusterPlace {
  readonly cluster: string;
  /** Folder of the vault, as it is to be written. */
  readonly vault: string;
  /** At which other machines reach this one; one of loopback: there are no others. */
  readonly address: string;
}

export const ON_THIS_MACHINE: ClusterPlace = { cluster: "demo", vault: "./vault", address: "127.0.0.1" };

/** The text of `hotspare.yaml`, without the vault's id, which `initCluster` adds. */
export function localClusterText({ proxies, hosts }: LocalPorts, place = ON_THIS_MACHINE): string {
  const { cluster, vault, address } = place;
  return `# A cluster of Hotspare. docs/configuration.md has every key; \`hotspare config show\` prints what holds.
cluster: ${cluster}
secret: { file: cluster.key } # 32 random bytes; or { env: HOTSPARE_SECRET }
vault: { directory: ${isPlain(vault) ? vault : JSON.stringify(vault)} } # the folder that all hosts see
${isLoopback(address) ? "" : NETWORK_SHARE}${proxies.length === 0 ? "" : "proxies:\n  # listen: where clients connect\n"}${proxies.map(proxyLine(address)).join("")}hosts:
  # mode: the first role only
${hosts.map(hostLine(address)).join("")}`;
}

const NETWORK_SHARE = "cleanDelay: 1h # the vault is on a network share\n";

/** Gossip has an address of its own where there are other machines: the admin listener stays on loopback. */
function proxyLine(address: string): (ports: readonly [number, number], index: number) => string {
  const ways = ([listen, admin]: readonly [number, number]): string =>
    isLoopback(address)
      ? `listen: "${at(address, listen)}", admin: "${at(address, admin)}"`
      : `listen: "0.0.0.0:${listen}", advertise: "${at(address, listen)}", admin: "127.0.0.1:${admin}", gossip: "${at(address, admin + GOSSIP_ABOVE)}"`;
  return (ports, index) => `  - { id: proxy-${index + 1}, ${ways(ports)} }\n`;
}

function hostLine(address: string): (ports: readonly [number, number], index: number) => string {
  return ([listen, control], index) => {
    const id = `host-${"abcdefghij"[index] ?? index}`;
    const mode = index === 0 ? "primary" : "restore";
    return `  - { id: ${id}, listen: "${at(address, listen)}", control: "${at(address, control)}", data: ./data/${id}, mode: ${mode} }\n`;
  };
}

const GOSSIP_ABOVE = 10;

const at = (host: string, port: number): string => formatAddress({ host, port });

/** Needs no quotes in YAML. */
const isPlain = (text: string): boolean => /^[\w./][\w./-]*$/.test(text);
