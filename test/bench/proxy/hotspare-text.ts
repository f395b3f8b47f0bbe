/** The configuration of the Hotspare proxy that is measured: every tunable as it is by default. */
import { formatAddress, type Address } from "../../../shared/config/config.ts";
import { SETTINGS } from "../../../shared/config/settings.ts";

/** Whether the proxy can have several workers. */
export const HAS_WORKERS = "proxies[].workers" in SETTINGS;

export interface HotsparePorts {
  readonly listen: number;
  readonly admin: number;
  /** Of the host; nobody listens there, since the program of the benchmark answers in its place. */
  readonly control: number;
}

export function hotspareText(ports: HotsparePorts, upstream: Address, workers: number): string {
  const own = HAS_WORKERS ? `, workers: ${workers}` : "";
  return `cluster: bench
secret: { env: NO_SECRET }
vault: { directory: ./vault }
proxies:
  - { id: proxy-1, listen: "127.0.0.1:${ports.listen}", admin: "127.0.0.1:${ports.admin}"${own} }
hosts:
  - { id: host-a, listen: "${formatAddress(upstream)}", control: "127.0.0.1:${ports.control}", data: ./data }
`;
}
