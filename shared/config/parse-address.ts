/** Reads `host:port`: a name, an IPv4 address, or an IPv6 address in brackets, and a port from 1 to 65535. */
import { isIPv4, isIPv6 } from "node:net";
import type { Address } from "./config.ts";

const ADDRESS = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const DIGITS_AND_DOTS = /^[\d.]+$/;

export function parseAddress(text: string): Address | null {
  const match = ADDRESS.exec(text);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) return null;
  if (match[1] !== undefined) return isIPv6(match[1]) ? { host: match[1].toLowerCase(), port } : null;
  const host = (match[2] ?? "").toLowerCase();
  return isHost(host) ? { host, port } : null;
}

/** An address to bind to that stands for every interface: nobody can be reached there. */
export const isWildcard = ({ host }: Address): boolean => host === "0.0.0.0" || host === "::";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether only this machine can mean it by this name. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** What looks like an IPv4 address must be one: `127.0.1` as a name would ask a name server. */
function isHost(host: string): boolean {
  return DIGITS_AND_DOTS.test(host) ? isIPv4(host) : HOST_NAME.test(host);
}
