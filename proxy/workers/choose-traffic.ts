/** Who carries the requests of a proxy, by its configuration: its own process, or workers beside it. */
import type { Config } from "../../shared/config/config.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Log } from "../../shared/log.ts";
import type { TrafficMaker } from "../proxy-options.ts";
import { DataPlane } from "../relay/data-plane.ts";
import { Workers } from "./workers.ts";

export function chooseTraffic(config: Config, id: NodeId, log: Log): TrafficMaker {
  const own = config.proxies.find((proxy) => proxy.id === id);
  if (own === undefined || own.workers === 1) return (parts) => new DataPlane(parts);
  return (parts) => new Workers({ parts, config, own, log });
}
