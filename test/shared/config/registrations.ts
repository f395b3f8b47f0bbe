/** Nodes as they are registered at run time, beside those of `example-config.ts`. */
import type { NodeRegistration } from "../../../shared/revisions/node-registration.ts";

type Registration<Kind> = Extract<NodeRegistration, { kind: Kind }>;

export const hostD = (more: Partial<Registration<"host">> = {}): Registration<"host"> => ({
  kind: "host",
  id: "host-d",
  listen: "127.0.0.1:7130",
  control: "127.0.0.1:7131",
  advertise: "127.0.0.1:7130",
  data: "/cluster/data/host-d",
  candidate: true,
  ...more,
});

export const proxy2 = (more: Partial<Registration<"proxy">> = {}): Registration<"proxy"> => ({
  kind: "proxy",
  id: "proxy-2",
  listen: "127.0.0.1:8081",
  admin: "127.0.0.1:8091",
  advertise: "127.0.0.1:8081",
  gossip: "127.0.0.1:8092",
  ...more,
});
