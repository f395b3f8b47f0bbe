/** The host that `--host` names. */
import type { Config, HostConfig } from "../../shared/config/config.ts";
import { HotspareError } from "../../shared/errors.ts";

/** @throws {HotspareError} HS_USAGE if the configuration has no such host. */
export function hostNamed({ hosts, cluster, file }: Config, name: string): HostConfig {
  const found = hosts.find(({ id }) => id === name);
  if (found) return found;
  const known = hosts.map(({ id }) => id).join(", ");
  throw new HotspareError("HS_USAGE", { reason: `cluster ${cluster} of ${file} has no host ${name}; it has ${known}` });
}
