/** The tuning of a cluster as it is by default, for tests that need no file: `settings(TUNING)`. */
import type { Config } from "../shared/config/config.ts";

type Tuning = Pick<Config, "health" | "takeover" | "gossip" | "clock" | "tls">;

export const TUNING: Tuning = {
  health: {
    intervalMs: 250,
    timeoutMs: 250,
    failures: 3,
    hangMs: 10_000,
    graceMs: 0,
    storageMs: 10_000,
    stableMs: 2000,
    dampMs: 10_000,
  },
  takeover: { timeoutMs: 5000 },
  gossip: { intervalMs: 500, fanout: 2, forgetMs: 3_600_000 },
  clock: { offsetMs: 500 },
  tls: { public: null, admin: null, control: null, data: null },
};
