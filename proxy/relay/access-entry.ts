/** What the access log says of one request. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { RequestHead } from "../http1/request-head.ts";

export interface AccessEntry {
  readonly requestId: string;
  /** The client's address. */
  readonly client: string;
  /** `null` of a request that could not be read. */
  readonly method: string | null;
  readonly path: string | null;
  /** `null`: it reached none. */
  readonly pool: PoolId | null;
  /** Of the attempt that was answered; `null` if none was. */
  readonly epoch: number | null;
  /** The last host that it was sent to. */
  readonly host: NodeId | null;
  /** How long it waited for a primary, over all waits. */
  readonly parkedMs: number;
  /** How often it was sent to a host. */
  readonly attempts: number;
  /** Of the answer that the client got, or that began; 101 of a WebSocket; `null` if the client was gone before. */
  readonly status: number | null;
}

export interface Asker {
  readonly address: string;
  /** `null`: it could not be read. */
  readonly head: RequestHead | null;
}

/** What it says of the request itself. */
export const accessOf = (
  { address, head }: Asker,
  requestId: string,
): Pick<AccessEntry, "requestId" | "client" | "method" | "path"> => ({
  requestId,
  client: address,
  method: head?.method ?? null,
  path: head?.target.path ?? null,
});

/** Of a request that was answered before it reached a pool. */
export const refusedEntry = (asker: Asker, requestId: string, status: number): AccessEntry => ({
  ...accessOf(asker, requestId),
  pool: null,
  epoch: null,
  host: null,
  parkedMs: 0,
  attempts: 0,
  status,
});
