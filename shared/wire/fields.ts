/**
 * The `Hotspare-*` fields of HTTP requests and answers: names in lower case, and the one reading of their values that
 * proxy and host share. `docs/applications.md` tells what a client may send, `docs/architecture.md` the rest.
 *
 * A value that is not well-formed reads as absent (`null`): whatever it was meant to say, it is not believed.
 */
import { parseBootId, type BootId } from "../ids.ts";
import { epoch, lsn, type Epoch, type Lsn } from "../position.ts";

/** Proxy to host. A client's own are stripped. */
export const POOL_FIELD = "hotspare-pool";
/** Proxy to host: the highest epoch whose serving host the proxy has seen. Host to proxy, with an outcome: that of its newest fence. */
export const EPOCH_FIELD = "hotspare-epoch";
/** Proxy to host: `<boot id of the proxy>-<number>`: names a request over all its attempts. */
export const REQUEST_FIELD = "hotspare-request";
/** Proxy to host: 1 for the first attempt at a request, one more after each that reached a host and brought no answer. */
export const ATTEMPT_FIELD = "hotspare-attempt";
/** Proxy to host: the latest log time in milliseconds that the proxy had heard when it *first* sent the request. */
export const LOG_TIME_FIELD = "hotspare-log-time";

/** Host to proxy: the request was certainly not applied here; an `Outcome`. */
export const OUTCOME_FIELD = "hotspare-outcome";
/** Host to proxy, with an outcome: the newest fence that the host knows, its id and the host that owns it. */
export const FENCE_FIELD = "hotspare-fence";
export const OWNER_FIELD = "hotspare-owner";

/** Both ways, also to clients: the LSN of the commit, or of the state that was read; brought back, a session read. */
export const LSN_FIELD = "hotspare-lsn";
/** Client to host: `linearizable` or `local`. */
export const CONSISTENCY_FIELD = "hotspare-consistency";

/** Fields that a client may send; a proxy strips every other `hotspare-*`. */
export const CLIENT_FIELDS: readonly string[] = [LSN_FIELD, CONSISTENCY_FIELD];

/** `not-primary`: this host does not serve the pool. `not-applied`: it was deposed while the write was under way. */
export type Outcome = "not-primary" | "not-applied";

/** Which request of which proxy. */
export interface RequestNumber {
  readonly bootId: BootId;
  readonly number: number;
}

type FieldValue = string | readonly string[] | undefined;

const REQUEST = /^([0-9a-f]{32})-(\d{1,16})$/;
const COUNT = /^\d{1,16}$/;

export const formatRequestNumber = ({ bootId, number }: RequestNumber): string => `${bootId}-${number}`;

export function parseRequestNumber(value: FieldValue): RequestNumber | null {
  const match = typeof value === "string" ? REQUEST.exec(value) : null;
  if (!match?.[1] || !match[2]) return null;
  const number = readCount(match[2]);
  return number === null ? null : { bootId: parseBootId(match[1]), number };
}

export const readOutcome = (value: FieldValue): Outcome | null =>
  value === "not-primary" || value === "not-applied" ? value : null;

export const readEpoch = (value: FieldValue): Epoch | null => mapCount(value, epoch);
export const readLsn = (value: FieldValue): Lsn | null => mapCount(value, lsn);

/** A whole number from 0 on: attempt, log time. */
export function readCount(value: FieldValue): number | null {
  if (typeof value !== "string" || !COUNT.test(value)) return null;
  const count = Number(value);
  return Number.isSafeInteger(count) ? count : null;
}

function mapCount<T>(value: FieldValue, make: (count: number) => T): T | null {
  const count = readCount(value);
  return count === null ? null : make(count);
}
