/** Which pool serves a request; with one pool that serves everything, which most clusters have, nothing is looked up. */
import type { PoolConfig } from "../../shared/config/config.ts";
import type { PoolId } from "../../shared/ids.ts";
import { poolOf } from "../core/routing.ts";
import { hostNameOf, type RequestTarget } from "../http1/request-target.ts";

export class PoolTable {
  readonly #pools: readonly PoolConfig[];
  readonly #only: PoolId | null;

  constructor(pools: readonly PoolConfig[]) {
    this.#pools = pools;
    const [first] = pools;
    const takesAll = first?.routes.some(({ host, path }) => host === null && path === "/") ?? false;
    this.#only = pools.length === 1 && takesAll ? (first?.id ?? null) : null;
  }

  /** `null`: nobody's. */
  poolOf({ authority, path }: RequestTarget): PoolId | null {
    if (this.#only !== null) return this.#only;
    return poolOf(this.#pools, hostNameOf(authority), path.split("?", 1)[0] ?? "/");
  }
}
