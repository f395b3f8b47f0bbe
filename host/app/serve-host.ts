/** An application as one host of a cluster, inside a process of the user's own. */
import { resolve } from "node:path";
import { formatAddress } from "../../shared/config/config.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { processLog } from "../../shared/process-log.ts";
import { startLiveHost } from "../live-host.ts";
import type { LoadedApp } from "./app.ts";
import type { Service } from "./service.ts";

export interface HostServeOptions {
  /** Id of the host in the configuration. */
  readonly host: string;
  /** Path of `hotspare.yaml`. The application is this one, whatever is named there. */
  readonly config: string;
}

export async function serveHost(app: LoadedApp, options: HostServeOptions): Promise<Service> {
  const id = parseNodeId(options.host);
  const config = loadConfig(resolve(options.config), process.env);
  const { host, stop } = await startLiveHost({ config, id, log: processLog(id), app });
  return { address: formatAddress(host.addresses.listen), close: stop };
}
