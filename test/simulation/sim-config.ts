/** The configuration of a simulated cluster: read from YAML by the production reader, as an operator would write it. */
import type { Config } from "../../shared/config/config.ts";
import { toConfig } from "../../shared/config/load-config.ts";
import { parseConfig } from "../../shared/config/parse-config.ts";
import type { Swarm } from "./swarm.ts";

const LONG_MS = 600_000;

export const VAULT_ID = "5".repeat(32);

export function simConfig(swarm: Swarm): Config {
  const hosts = range(swarm.hosts).map(
    (index) =>
      `  - { id: host-${"abcd"[index]}, listen: "10.0.0.${index + 1}:7100", control: "10.0.0.${index + 1}:7101", data: ./data/${index}, mode: ${index === 0 ? "primary" : "restore"} }`,
  );
  const proxies = range(swarm.proxies).map(
    (index) =>
      `  - { id: proxy-${index + 1}, listen: "10.0.1.${index + 1}:8080", admin: "127.0.0.${index + 1}:8090", gossip: "10.0.1.${index + 1}:8092" }`,
  );
  const text = [
    "cluster: simulation",
    "secret: { env: SECRET }",
    `vault: { directory: /vault, id: "${VAULT_ID}" }`,
    ...(proxies.length === 0 ? ["proxies: []"] : ["proxies:", ...proxies]),
    "hosts:",
    ...hosts,
    `checkpoint: { bytes: 64KiB, interval: ${swarm.checkpointIntervalMs}ms, keep: 2 }`,
    `cleanDelay: ${Math.round(swarm.cleanDelayMs)}ms`,
    "takeover: { timeout: 2s }",
    "park: { requests: 50, bytes: 1MiB, wait: 3s }",
    `rejoin: ${swarm.rejoin}`,
    "",
  ];
  const config = toConfig(parseConfig(text.join("\n"), "/simulation/hotspare.yaml", { SECRET: "x" }));
  // Shorter than anybody may configure, so that proxies' keys expire within a run.
  const idempotency = { clientMs: LONG_MS, proxyMs: swarm.keyLifeMs };
  return { ...config, pools: config.pools.map((pool) => ({ ...pool, idempotency })) };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
