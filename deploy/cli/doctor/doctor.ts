/** All checks, in the order in which people want to read what they found. Pure. */
import { clockFindings } from "./clocks.ts";
import { configurationFindings } from "./configuration.ts";
import type { Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { listenerFindings } from "./listeners.ts";
import { poolFindings } from "./pools.ts";
import { secretFindings } from "./secrets.ts";
import { vaultFindings } from "./vault.ts";
import { versionFindings } from "./versions.ts";
import { visibilityFindings } from "./visibility.ts";

const CHECKS = [
  configurationFindings,
  secretFindings,
  versionFindings,
  listenerFindings,
  clockFindings,
  vaultFindings,
  visibilityFindings,
  poolFindings,
] as const;

const ORDER = { error: 0, warning: 1, ok: 2 } as const;

/** Errors first. */
export const diagnose = (facts: Facts): readonly Finding[] =>
  CHECKS.flatMap((check) => check(facts)).toSorted((a, b) => ORDER[a.level] - ORDER[b.level]);
