/** How long clients would wait, part by part, each with where the figure comes from. Pure. */
import type { Config } from "../../../shared/config/config.ts";
import { stillBoundMs, voteWaitMs } from "../../../host/voting.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import { settings } from "../../../proxy/core/settings.ts";

export interface PausePart {
  readonly what: string;
  readonly ms: number;
  readonly from: string;
}

export interface Pause {
  /** `process`: killed, its machine refuses connections; `machine`: gone without a word. */
  readonly when: "process" | "machine";
  readonly parts: readonly PausePart[];
  readonly totalMs: number;
}

export interface TakeoverTime {
  readonly ms: number;
  readonly from: string;
}

/** One exchange of gossip, and the order's way. */
const NEWS_MS = 10;

export function forecastPauses(config: Config, byStandby: boolean, takeover: TakeoverTime): readonly Pause[] {
  return (["process", "machine"] as const).map((when) => {
    const detection = when === "process" ? refused(config) : missed(config);
    const agreement = byStandby ? standby(config, detection.ms) : news(config);
    const parts = [detection, agreement, { what: "takeover", ...takeover }];
    return { when, parts, totalMs: parts.reduce((sum, { ms }) => sum + ms, 0) };
  });
}

function refused(config: Config): PausePart {
  const { confirmMs, graceMs } = settings(config);
  const ms = Math.max(confirmMs * 2, graceMs);
  return {
    what: "detection",
    ms,
    from: graceMs > confirmMs ? "health.grace" : `two refused probes, ${confirmMs} ms apart`,
  };
}

function missed({ health }: Config): PausePart {
  const { failures, intervalMs, timeoutMs } = health;
  const ms = (failures - 1) * intervalMs + timeoutMs;
  return { what: "detection", ms, from: `${failures} heartbeats without an answer (health)` };
}

function news({ proxies }: Config): PausePart {
  const alone = proxies.length === 1;
  return {
    what: "agreement",
    ms: alone ? 0 : NEWS_MS,
    from: alone ? "the only proxy decides" : "what the proxies tell one another",
  };
}

/** Silence of a proxy, and the vault's, are waited for from the loss on, beside the detection. */
function standby(config: Config, detectedMs: number): PausePart {
  const silentMs = Math.max(gossipRules(config).bounds.suspectMs, stillBoundMs(config.health));
  const ms = Math.max(0, silentMs - detectedMs) + voteWaitMs(config.health);
  return { what: "agreement", ms, from: "a standby that sees the vault stand still, at most" };
}
