/** What a host may say of one pool, for tests. */
import type { HostReport, PoolReport } from "../../shared/wire/reports.ts";
import { REPORT } from "../shared/wire/nodes.ts";

export const POOL: PoolReport = {
  pool: "main",
  role: "primary",
  serving: true,
  fence: {
    slot: 7,
    id: "1".repeat(32),
    hash: "2".repeat(64),
    epoch: 3,
    owner: "host-a",
    bootId: "a".repeat(32),
  },
  slot: 12,
  lsn: 40,
  logTimeMs: 1000,
  lagMs: 0,
  unfit: null,
  alarm: null,
  takingOver: false,
};

export const STANDBY: PoolReport = { ...POOL, role: "standby", serving: false, lagMs: 400 };

export const reportOf = (pools: PoolReport[], mainTickAgeMs = 1): HostReport => ({ ...REPORT, pools, mainTickAgeMs });
