/**
 * What a value of the configuration may be. A check reads a parsed YAML value and says what it accepts, in the words that
 * both the error and `docs/configuration.md` show.
 */
import { isIP } from "node:net";
import { parseNodeId, parsePoolId, parseVaultId } from "../ids.ts";
import { formatByteSize, parseByteSize } from "./byte-size.ts";
import type { CommandLine } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { isLoopback, parseAddress } from "./parse-address.ts";

export interface Check<T> {
  /** Completes "accepted is …"; names the unit and the bounds. */
  readonly accepted: string;
  /** The value in the unit that the code works with; `undefined` if it is not accepted. */
  readonly parse: (raw: unknown) => T | undefined;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const NAME = "1 to 63 of a-z, 0-9 and -, with no - at either end";

export const nodeId = named(parseNodeId, NAME);
export const poolId = named(parsePoolId, NAME);
export const clusterName = named((text) => parseNodeId(text) as string, NAME);
export const vaultId = named(parseVaultId, "32 hexadecimal digits, as `hotspare init` writes them");

export const nodeIds = listOf(nodeId, "a list of host ids");
export const poolIds = listOf(poolId, "a list of pool ids");

export const address = text(parseAddress, 'host:port, such as "127.0.0.1:7100" or "[::1]:7100"');
export const filePath = text((value) => (isPath(value) ? value : null), "a path; a relative one starts at the file");
/** Upper case only, so that a secret written here by mistake is not taken for a name and shown. */
export const variable = text(
  matching(/^[A-Z_][A-Z0-9_]{0,63}$/),
  "the name of an environment variable: A-Z, 0-9 and _",
);
export const routeHost = text(
  (value) => matching(/^[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?$/)(value.toLowerCase()),
  "a host name without a port",
);
export const routePath = text(parseRoutePath, "a path that begins with /, without . or .. parts, query or %");
export const application = text(
  parseApplication,
  "spaces, the name of a package, or a module's path that begins with ./, ../ or /",
);

export const networks = listOf(
  text(parseNetwork, "an address or a network"),
  'a list of addresses and networks, such as ["10.0.0.1", "192.168.0.0/16", "fd00::/8"]',
);

export const commandLine: Check<CommandLine> = {
  accepted: 'a list of texts, the program first, such as ["./move-address.sh", "eth0"]',
  parse: (raw) => {
    const [program, ...args] =
      listOf(
        text((value) => (value.includes("\0") ? null : value), ""),
        "",
      ).parse(raw) ?? [];
    return program === undefined || program.trim() === "" ? undefined : [program, ...args];
  },
};

export const webhookUrl = text(parseWebhookUrl, "an https URL without user and password; http only on this machine");

export const flag: Check<boolean> = {
  accepted: "true or false",
  parse: (raw) => (raw === true || raw === "true" ? true : raw === false || raw === "false" ? false : undefined),
};

export function oneOf<const Word extends string>(...words: readonly Word[]): Check<Word> {
  return { accepted: words.join(" or "), parse: (raw) => words.find((word) => word === raw) };
}

/** One of the words, or a list of some. */
export function someOf<const Word extends string>(...words: readonly Word[]): Check<readonly Word[]> {
  const list = listOf(oneOf(...words), "");
  return {
    accepted: `one of ${words.join(", ")}, or a list of some`,
    parse: (raw) => {
      const found = list.parse(Array.isArray(raw) ? raw : [raw]);
      return found?.length === 0 ? undefined : found;
    },
  };
}

/** A number that came out of a `${…}` arrives as text. */
export function count({ min, max }: Bounds): Check<number> {
  return {
    accepted: `a whole number from ${min} to ${max}`,
    parse: (raw) => within({ min, max }, typeof raw === "string" && /^\d{1,15}$/.test(raw) ? Number(raw) : raw),
  };
}

export function duration({ min, max }: Bounds): Check<number> {
  return {
    accepted: `a duration (ms, s, m, h, d) from ${formatDuration(min)} to ${formatDuration(max)}`,
    parse: (raw) => within({ min, max }, quantity(raw, parseDuration)),
  };
}

export function byteSize({ min, max }: Bounds): Check<number> {
  return {
    accepted: `a size (B, KiB, MiB, GiB, TiB) from ${formatByteSize(min)} to ${formatByteSize(max)}`,
    parse: (raw) => within({ min, max }, quantity(raw, parseByteSize)),
  };
}

/** YAML reads a plain `0` as a number. */
function quantity(raw: unknown, parse: (value: string) => number | null): unknown {
  if (raw === 0) return 0;
  return typeof raw === "string" ? parse(raw) : undefined;
}

function within({ min, max }: Bounds, value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
}

function listOf<T>(item: Check<T>, accepted: string): Check<readonly T[]> {
  const parse = (raw: unknown): readonly T[] | undefined => {
    if (!Array.isArray(raw)) return undefined;
    const items = raw.map((value) => item.parse(value));
    return items.every((value) => value !== undefined) ? items : undefined;
  };
  return { accepted, parse };
}

/** As it was written: an address, or one with the length of a prefix. */
function parseNetwork(value: string): string | null {
  const [address = "", prefix, ...more] = value.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || more.length > 0) return null;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) ? value : null;
}

function text<T>(parse: (value: string) => T | null, accepted: string): Check<T> {
  return { accepted, parse: (raw) => (typeof raw === "string" ? (parse(raw) ?? undefined) : undefined) };
}

function named<T>(parse: (value: string) => T, accepted: string): Check<T> {
  return text((value) => {
    try {
      return parse(value);
    } catch {
      return null;
    }
  }, accepted);
}

function matching(pattern: RegExp): (value: string) => string | null {
  return (value) => (pattern.test(value) ? value : null);
}

const isPath = (value: string): boolean => value.trim() !== "" && !value.includes("\0");

function parseWebhookUrl(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || url.username !== "" || url.password !== "") return null;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)) ? value : null;
}

/** A prefix of whole segments: `/a` and `/a/` are the same, and are kept without the last slash. */
function parseRoutePath(value: string): string | null {
  if (!/^\/[A-Za-z0-9._~!$&'()*+,;=:@/-]{0,1023}$/.test(value) || /\/(?:\.{0,2})\//.test(`${value}/`.slice(0, -1)))
    return null;
  if (/\/\.{1,2}$/.test(value)) return null;
  return value.length > 1 && value.endsWith("/") ? value.slice(0, -1) : value;
}

/** A bare `app.ts` is refused: as the name of a package it would be looked for in the wrong place. */
function parseApplication(value: string): string | null {
  if (/^(?:\.{1,2})?\//.test(value)) return isPath(value) ? value : null;
  if (/\.[cm]?[jt]s$/.test(value)) return null;
  return matching(/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~/-]*$/)(value);
}
