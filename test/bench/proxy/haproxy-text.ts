/** What HAProxy is told, as a proxy. Its bound of connections follows from the system's bound of open files. */
import { formatAddress, type Address } from "../../../shared/config/config.ts";

export function haproxyText(port: number, upstream: Address): string {
  return `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  option forwardfor
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} backlog 4096
  default_backend hosts
backend hosts
  server host ${formatAddress(upstream)}
`;
}
