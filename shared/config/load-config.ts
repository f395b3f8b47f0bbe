/**
 * Makes the effective configuration out of `hotspare.yaml`: reads and checks it, fills in every default, resolves units
 * and paths. Fails with HS_CONFIG_UNREADABLE or HS_CONFIG_INVALID and never gives a configuration that is half right.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HotspareError, reasonOf } from "../errors.ts";
import { parsePoolId } from "../ids.ts";
import {
  TLS_SECTIONS,
  type Config,
  type HostConfig,
  type PoolConfig,
  type ProxyConfig,
  type Route,
  type SecretSource,
  type TlsConfig,
  type TlsFiles,
  type TlsSection,
} from "./config.ts";
import { configHash } from "./config-hash.ts";
import { checkRules } from "./config-rules.ts";
import type { ConfigValues } from "./config-values.ts";
import { hooksOf } from "./hooks-of.ts";
import { parseConfig } from "./parse-config.ts";
import type { Env } from "./substitute.ts";

/** More than any real configuration, and little enough to be read at once. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * @param file path of `hotspare.yaml`, relative to the working folder.
 * @param env where `${NAME}` is looked up.
 * @throws {HotspareError} HS_CONFIG_UNREADABLE, HS_CONFIG_INVALID.
 */
export function loadConfig(file: string, env: Env): Config {
  return toConfig(loadValues(file, env));
}

/** The same without the defaults filled in: which key stands where, for `config show`. */
export function loadValues(file: string, env: Env): ConfigValues {
  const path = resolve(file);
  const values = parseConfig(readText(path), path, env);
  toConfig(values);
  return values;
}

/** @throws {HotspareError} HS_CONFIG_INVALID if the values do not fit together. */
export function toConfig(values: ConfigValues): Config {
  const config = assemble(values);
  checkRules(config, values);
  return { ...config, hash: configHash(config) };
}

/** For a node that runs: it does not stand still where the file's disk does. @throws {HotspareError} HS_CONFIG_UNREADABLE. */
export async function readConfigAgain(path: string): Promise<string> {
  try {
    return textOf(await readFile(path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @throws {HotspareError} HS_CONFIG_INVALID. */
export const configOf = (text: string, path: string, env: Env): Config => toConfig(parseConfig(text, path, env));

function readText(path: string): string {
  try {
    return textOf(readFileSync(path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function textOf(bytes: Buffer): string {
  if (bytes.length > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function unreadable(file: string, error: unknown): HotspareError {
  const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
  const reason = absent ? "there is no such file; `hotspare init` makes one" : reasonOf(error);
  return new HotspareError("HS_CONFIG_UNREADABLE", { file, reason }, { cause: error });
}

function assemble(values: ConfigValues): Omit<Config, "hash"> {
  const hosts = entries(values, "hosts").map((at) => hostAt(values, at));
  return {
    file: values.file,
    cluster: values.get("cluster"),
    secret: secretOf(values),
    vault: { directory: pathIn(values, values.get("vault.directory")), id: values.get("vault.id") },
    proxies: entries(values, "proxies").map((at) => proxyAt(values, at)),
    hosts,
    pools: poolsOf(values, hosts),
    health: {
      intervalMs: values.get("health.interval"),
      timeoutMs: values.get("health.timeout"),
      failures: values.get("health.failures"),
      hangMs: values.get("health.hang"),
      graceMs: values.get("health.grace"),
      storageMs: values.get("health.storage"),
      stableMs: values.get("health.stable"),
      dampMs: values.get("health.damp"),
    },
    gossip: {
      intervalMs: values.get("gossip.interval"),
      fanout: values.get("gossip.fanout"),
      forgetMs: values.get("gossip.forget"),
    },
    clock: { offsetMs: values.get("clock.offset") },
    takeover: { timeoutMs: values.get("takeover.timeout") },
    cleanDelayMs: values.get("cleanDelay"),
    rejoin: values.get("rejoin"),
    failback: values.get("failback"),
    failbackStableMs: values.get("failbackStable"),
    tls: tlsOf(values),
    hooks: hooksOf(values),
  };
}

function secretOf(values: ConfigValues): SecretSource {
  const env = values.get("secret.env");
  const file = values.get("secret.file");
  if (env === null) return { file: pathIn(values, file ?? "cluster.key") };
  if (file === null) return { env };
  throw values.conflict("secret.env", [], "secret.file and secret.env", "one of the two");
}

function tlsOf(values: ConfigValues): TlsConfig {
  const files = TLS_SECTIONS.map((section) => [section, tlsFilesOf(values, section)]);
  return Object.fromEntries(files) as TlsConfig;
}

function tlsFilesOf(values: ConfigValues, section: TlsSection): TlsFiles | null {
  const path = (part: "cert" | "key" | "ca"): string | null => {
    const written = values.get(`tls.${section}.${part}`);
    return written === null ? null : pathIn(values, written);
  };
  const [cert, key, ca] = [path("cert"), path("key"), path("ca")];
  if (cert !== null && key !== null) return { cert, key, ca };
  if (cert === null && key === null && ca === null) return null;
  const missing = cert === null ? "cert" : "key";
  const accepted = `a path: tls.${section} needs both cert and key`;
  throw values.conflict(`tls.${section}.${missing}`, [], "nothing", accepted);
}

function proxyAt(values: ConfigValues, at: number): ProxyConfig {
  const listen = values.get("proxies[].listen", at);
  const admin = values.get("proxies[].admin", at);
  return {
    id: values.get("proxies[].id", at),
    listen,
    admin,
    advertise: values.get("proxies[].advertise", at) ?? listen,
    gossip: values.get("proxies[].gossip", at) ?? admin,
    workers: values.get("proxies[].workers", at),
    trust: values.get("proxies[].trust", at) ?? [],
    accessLog: values.get("proxies[].accessLog", at),
  };
}

function hostAt(values: ConfigValues, at: number): HostConfig {
  const listen = values.get("hosts[].listen", at);
  const vault = values.get("hosts[].vault", at);
  return {
    id: values.get("hosts[].id", at),
    listen,
    control: values.get("hosts[].control", at),
    advertise: values.get("hosts[].advertise", at) ?? listen,
    data: pathIn(values, values.get("hosts[].data", at)),
    mode: values.get("hosts[].mode", at),
    candidate: values.get("hosts[].candidate", at),
    vault: vault === null ? null : pathIn(values, vault),
  };
}

/** A file without pools has one, `main`, with every default: as an entry that says nothing but its id. */
function poolsOf(values: ConfigValues, hosts: readonly HostConfig[]): readonly PoolConfig[] {
  const given = entries(values, "pools").map((at) => poolAt(values, at, hosts));
  return given.length > 0 ? given : [{ ...poolAt(values, 0, hosts), id: parsePoolId("main") }];
}

function poolAt(values: ConfigValues, at: number, hosts: readonly HostConfig[]): PoolConfig {
  const preferred = values.get("pools[].preferred", at) ?? [];
  return {
    id: values.get("pools[].id", at),
    app: appIn(values, values.get("pools[].app", at)),
    writtenApp: values.get("pools[].app", at),
    routes: routesAt(values, at),
    preferred: preferred.length > 0 ? preferred : preferredByMode(hosts, at),
    writtenPreferred: preferred,
    ...tunablesAt(values, at),
  };
}

function routesAt(values: ConfigValues, at: number): readonly Route[] {
  const routes = Array.from({ length: values.length("pools[].routes", at) }, (_, index) => ({
    host: values.get("pools[].routes[].host", at, index),
    path: values.get("pools[].routes[].path", at, index),
  }));
  return routes.length > 0 ? routes : [{ host: null, path: "/" }];
}

/**
 * The order where none is written, of the pool at that place of the file. Each pool begins with another host, and those that
 * begin with the same one go on with different ones: so all hosts serve, and the pools of one that leaves spread over the rest.
 */
export function preferredByMode(hosts: readonly HostConfig[], at: number): PoolConfig["preferred"] {
  const candidates = hosts.filter((host) => host.candidate).map(({ id, mode }) => ({ id, mode }));
  const first = spread(
    candidates.filter(({ mode }) => mode === "primary"),
    at,
  );
  const then = spread(
    candidates.filter(({ mode }) => mode !== "primary"),
    at,
  );
  return [...first, ...then].map(({ id }) => id);
}

function spread<T>(group: readonly T[], at: number): readonly T[] {
  const [head, ...rest] = rotated(group, at);
  return head === undefined ? [] : [head, ...rotated(rest, Math.floor(at / group.length))];
}

const rotated = <T>(group: readonly T[], by: number): readonly T[] =>
  group.map((_, at) => group[(at + by) % group.length] as T);

type PoolSection = "checkpoint" | "park" | "replay" | "reads" | "idempotency";

function tunablesAt(values: ConfigValues, at: number): Pick<PoolConfig, PoolSection> {
  return {
    checkpoint: {
      bytes: values.get("pools[].checkpoint.bytes", at) ?? values.get("checkpoint.bytes"),
      intervalMs: values.get("pools[].checkpoint.interval", at) ?? values.get("checkpoint.interval"),
      keep: values.get("pools[].checkpoint.keep", at) ?? values.get("checkpoint.keep"),
    },
    park: {
      requests: values.get("pools[].park.requests", at) ?? values.get("park.requests"),
      bytes: values.get("pools[].park.bytes", at) ?? values.get("park.bytes"),
      waitMs: values.get("pools[].park.wait", at) ?? values.get("park.wait"),
    },
    replay: {
      attempts: values.get("pools[].replay.attempts", at) ?? values.get("replay.attempts"),
      bodyBytes: values.get("pools[].replay.body", at) ?? values.get("replay.body"),
      answerBytes: values.get("pools[].replay.answer", at) ?? values.get("replay.answer"),
      policy: values.get("pools[].replay.policy", at) ?? values.get("replay.policy"),
    },
    reads: values.get("pools[].reads", at) ?? values.get("reads"),
    idempotency: {
      clientMs: values.get("pools[].idempotency.client", at) ?? values.get("idempotency.client"),
      proxyMs: values.get("pools[].idempotency.proxy", at) ?? values.get("idempotency.proxy"),
    },
  };
}

const pathIn = (values: ConfigValues, path: string): string => resolve(dirname(values.file), path);

const appIn = (values: ConfigValues, app: string): string => (/^[./]/.test(app) ? pathIn(values, app) : app);

const entries = (values: ConfigValues, list: string): readonly number[] => [...Array(values.length(list)).keys()];
