/** The configuration of a whole cluster on this machine: two proxies, three hosts, everything in the file's own folder. */

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

/** The text of `hotspare.yaml`, without the vault's id, which `initCluster` adds. */
export function localClusterText({ proxies, hosts }: LocalPorts): string {
  return `# A cluster of Hotspare. docs/configuration.md has every key; \`hotspare config show\` prints what holds.
cluster: demo
secret: { file: cluster.key } # 32 random bytes; or { env: HOTSPARE_SECRET }
vault: { directory: ./vault } # the folder that all hosts see
proxies:
  # listen: where clients connect
${proxies.map(proxyLine).join("\n")}
hosts:
  # mode: the first role only
${hosts.map(hostLine).join("\n")}
`;
}

function proxyLine([listen, admin]: readonly [number, number], index: number): string {
  return `  - { id: proxy-${index + 1}, listen: "127.0.0.1:${listen}", admin: "127.0.0.1:${admin}" }`;
}

function hostLine([listen, control]: readonly [number, number], index: number): string {
  const id = `host-${"abcdefghij"[index] ?? index}`;
  const mode = index === 0 ? "primary" : "restore";
  return `  - { id: ${id}, listen: "127.0.0.1:${listen}", control: "127.0.0.1:${control}", data: ./data/${id}, mode: ${mode} }`;
}
