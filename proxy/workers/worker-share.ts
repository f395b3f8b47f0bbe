/**
 * What one of several worker processes may do of what a proxy may. Bounds hold for the proxy as a whole, so each worker gets
 * its part of them; what cannot be divided goes to the first ones.
 */
import type { PoolConfig } from "../../shared/config/config.ts";

/** `pool` as worker `index` (from 0) of `count` has it. */
export function shareOf(pool: PoolConfig, index: number, count: number): PoolConfig {
  const { park } = pool;
  return {
    ...pool,
    park: { ...park, requests: part(park.requests, index, count), bytes: part(park.bytes, index, count) },
  };
}

/** How many of `whole` are for worker `index` (from 0) of `count`. */
export const part = (whole: number, index: number, count: number): number =>
  Math.floor(whole / count) + (index < whole % count ? 1 : 0);
