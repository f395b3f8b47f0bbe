/**
 * A node that was registered at run time, as the configuration has its nodes: by the same checks as what the file says, with
 * the same defaults.
 */
import { dirname, resolve } from "node:path";
import type { NodeRegistration } from "../revisions/node-registration.ts";
import { address, filePath, nodeId } from "./checks.ts";
import type { HostConfig, ProxyConfig } from "./config.ts";

export type RegisteredNode =
  | { readonly kind: "host"; readonly host: HostConfig }
  | { readonly kind: "proxy"; readonly proxy: ProxyConfig };

/** `null` if no file could have it. `file`: what a relative path starts at. */
export function registeredNode(registration: NodeRegistration, file: string): RegisteredNode | null {
  const id = nodeId.parse(registration.id);
  const listen = address.parse(registration.listen);
  const advertise = address.parse(registration.advertise);
  if (id === undefined || listen === undefined || advertise === undefined) return null;
  if (registration.kind === "proxy") {
    const [admin, gossip] = [address.parse(registration.admin), address.parse(registration.gossip)];
    if (admin === undefined || gossip === undefined) return null;
    return {
      kind: "proxy",
      proxy: { id, listen, admin, advertise, gossip, workers: 1, trust: [], accessLog: false },
    };
  }
  const [control, written] = [address.parse(registration.control), filePath.parse(registration.data)];
  if (control === undefined || written === undefined) return null;
  const data = resolve(dirname(file), written);
  const { candidate } = registration;
  return { kind: "host", host: { id, listen, control, advertise, data, mode: "restore", candidate, vault: null } };
}
