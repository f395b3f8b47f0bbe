/** What the access log says of one request. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Client } from "./client.ts";

export interface AccessEntry {
  readonly requestId: string;
  /** The client's address. */
  readonly client: string;
  readonly method: string;
  readonly path: string;
  readonly pool: PoolId;
  /** Of the attempt that was answered; `null` if none was. */
  readonly epoch: number | null;
  /** The last host that it was sent to. */
  readonly host: NodeId | null;
  /** How long it waited for a primary, over all waits. */
  readonly parkedMs: number;
  /** How often it was sent to a host. */
  readonly attempts: number;
  /** Of the answer that the client got, or that began; `null` if the client was gone before. */
  readonly status: number | null;
}

/** What it says of the request itself. */
export const accessOf = (
  { address, head }: Client,
  requestId: string,
): Pick<AccessEntry, "requestId" | "client" | "method" | "path"> => ({
  requestId,
  client: address,
  method: head.method,
  path: head.target.path,
});
