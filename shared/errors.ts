/**
 * Every error that a user can meet: one table of codes with message, HTTP status, whether trying again can help, and
 * the exit code of a process that ends by it (sysexits). `{name}` in a message is filled from the details.
 * `docs/errors.md` explains each one; a test fails when the two differ.
 */
interface ErrorRow {
  readonly message: string;
  /** HTTP status of an answer that carries the code. */
  readonly status: number;
  /** `true` if the same call may succeed later without anybody changing anything. */
  readonly retry: boolean;
  /** Exit code of a command that ends by it: 64 usage, 65 data, 69 unavailable, 70 software, 73 cannot create, 74 I/O, 78 configuration. */
  readonly exit: number;
}

const row = (message: string, status: number, retry: "retry" | "final", exit = 70): ErrorRow => ({
  message,
  status,
  retry: retry === "retry",
  exit,
});

export const ERRORS = {
  HS_ID_INVALID: row("Cannot use {found} as {what}: accepted is {accepted}", 400, "final", 65),
  HS_INTERNAL: row("An invariant of Hotspare does not hold: {what}", 500, "final"),

  HS_CONFIG_INVALID: row("{file}:{line}: {key}: found {found}, accepted is {accepted}", 400, "final", 78),
  HS_CONFIG_UNREADABLE: row("Cannot read the configuration {file}: {reason}", 400, "final", 78),
  HS_CONFIG_LOCKED: row("Another program is changing the configuration {file}: {reason}", 409, "retry", 69),
  HS_CONFIG_UNWRITABLE: row("Cannot change the configuration {file}: {reason}", 500, "final", 73),
  HS_CONFIG_DIFFERS: row("Not all nodes run with {file}: {nodes}", 409, "final", 65),
  HS_SECRET_UNREADABLE: row("Cannot read the cluster secret from {source}: {reason}", 500, "final", 78),
  HS_SECRET_UNWRITABLE: row("Cannot write the cluster secret {file}: {reason}", 500, "final", 73),
  HS_SECRET_LOCKED: row("Another program is changing the cluster secret {file}: {reason}", 409, "retry", 69),
  HS_ROTATION_WAITS: row("The rotation of the secret waits: {reason}", 503, "retry", 69),
  HS_UPGRADE_WAITS: row("The upgrade waits: {reason}", 503, "retry", 69),
  HS_TLS_UNUSABLE: row("Cannot use {file} ({key}): {reason}", 500, "final", 78),
  HS_TLS_REFUSED: row("The TLS connection was refused: {reason}", 403, "final", 69),
  HS_NODE_VERSION: row("Node.js {found} is too old: {accepted} is needed", 500, "final", 78),
  HS_USAGE: row("{reason}", 400, "final", 64),
  HS_PORT_TAKEN: row("Cannot listen on {address} ({what}): {reason}", 500, "final", 69),
  HS_WORKER_ENDED: row(
    "Worker process {worker} of the proxy ended before it carried requests: {reason}",
    503,
    "retry",
    69,
  ),
  HS_UNREACHABLE: row("Cannot reach {what} at {address}: {reason}", 503, "retry", 69),
  HS_POOL_UNSERVED: row("Pool {pool} is not served: {reason}", 503, "retry", 69),
  HS_UNWELL: row("The doctor found {errors} errors; the first: {reason}", 503, "retry", 69),
  HS_MISCONFIGURED: row("The doctor found {errors} errors; the first that stays: {reason}", 500, "final", 78),
  HS_OUTPUT_UNWRITABLE: row("Cannot write {file}: {reason}", 500, "final", 73),
  HS_NODE_ENDED: row("{node} cannot run: {reason}. Its log is {file}", 500, "final", 78),

  HS_VAULT_MISSING: row(
    "{directory} is not a vault: it has no cluster.json. Is the share mounted? `hotspare init` makes a vault where the configuration has no vault.id yet",
    500,
    "final",
    78,
  ),
  HS_VAULT_FOREIGN: row(
    "The vault in {directory} has the id {found}, the configuration expects {accepted}",
    500,
    "final",
    78,
  ),
  HS_VAULT_FORMAT: row("{name} has format version {found}; this program reads {accepted}", 500, "final", 78),
  HS_VAULT_UNSUITABLE: row("The vault in {directory} cannot be used: {reason}", 500, "final", 78),
  HS_VAULT_UNWRITABLE: row("Cannot write to the vault in {directory}: {reason}", 503, "retry", 73),
  HS_VAULT_IO: row("The vault failed to {action} {name}: {reason}", 503, "retry", 74),
  HS_VAULT_UNDURABLE: row(
    "The vault failed to sync {name}: {reason}. This process relies on that folder no more",
    503,
    "retry",
    74,
  ),
  HS_VAULT_FULL: row("The vault is full: {reason}. Nothing was written", 507, "retry", 74),
  HS_VAULT_BEHIND: row(
    "The vault is older than this host: own slot {slot} with hash {hash} is not in it. Was it rolled back?",
    500,
    "final",
    65,
  ),
  HS_RECORD_INVALID: row("Record {name} is invalid: {reason}", 500, "final", 65),
  HS_RECORD_MISSING: row(
    "Record {slot} of pool {pool} is missing, later ones exist, and no checkpoint covers it",
    500,
    "final",
    65,
  ),
  HS_CHECKPOINT_INVALID: row("Checkpoint {name} is invalid: {reason}", 500, "final", 65),
  HS_CHECKPOINT_FAILED: row("The checkpoint of pool {pool} was not finished: {reason}", 503, "retry", 74),
  HS_RESTORE_FAILED: row("Cannot restore pool {pool}: {reason}", 503, "retry", 74),
  HS_TARGET_UNWRITABLE: row("Cannot write the file {file}: {reason}", 500, "final", 73),
  HS_IMPORT_REFUSED: row("{file} cannot become the state of pool {pool}: {reason}", 400, "final", 65),
  HS_IMPORT_OCCUPIED: row("Nothing can be imported into pool {pool}: {reason}", 409, "final", 69),
  HS_POOL_STUCK: row("Pool {pool} is stuck at slot {slot}: {reason}", 503, "final", 65),

  HS_DATA_LOCKED: row("The data folder {directory} is in use by another process", 500, "final", 69),
  HS_DATA_UNSUITABLE: row("The data folder {directory} cannot be used: {reason}", 500, "final", 78),
  HS_STORE_DIVERGED: row(
    "The local state of pool {pool} differs from its history at slot {slot}: {reason}",
    500,
    "final",
    65,
  ),

  HS_NOT_PRIMARY: row("This host is not the primary of pool {pool}", 503, "retry", 69),
  HS_NOT_APPLIED: row("The write was not applied: this host was deposed", 503, "retry", 69),
  HS_OUTCOME_UNKNOWN: row(
    "The connection to the application broke and the request cannot be sent again: a write may or may not have happened",
    502,
    "final",
    69,
  ),
  HS_REQUEST_POISON: row(
    "The request ended two executions without an answer and is not tried a third time",
    502,
    "final",
    69,
  ),
  HS_PARKED_TOO_LONG: row("No primary for pool {pool} within {waitMs} ms", 503, "retry", 69),
  HS_PARK_FULL: row("Too many requests wait for a primary of pool {pool}", 503, "retry", 69),
  HS_POOL_REMOVED: row(
    "Pool {pool} was taken out of the configuration while the request waited for its primary",
    503,
    "final",
    69,
  ),
  HS_NO_ROUTE: row("No pool is routed for {target}", 404, "final", 69),
  HS_REQUEST_INVALID: row("The request was refused: {reason}", 400, "final", 65),

  HS_WRITE_ASYNC: row("The function given to write or read returned a promise; it must be synchronous", 500, "final"),
  HS_WRITE_DENIED: row("A statement inside write or read was refused: {reason}", 500, "final"),
  HS_WRITE_MISUSE: row("pool.write or pool.read was used wrongly: {reason}", 500, "final"),
  HS_WRITE_TOO_LARGE: row("The write is too large: {found} bytes, accepted are {accepted}", 413, "final"),
  HS_WRITE_OVERLOAD: row("Too many writes wait: accepted are {accepted}", 503, "retry"),
  HS_SCHEMA_REFUSED: row("The schema entry {id} is refused: {reason}", 500, "final", 78),
  HS_SCHEMA_UNKNOWN: row(
    "The pool's state has the schema entry {id}, which this application does not know",
    500,
    "final",
    78,
  ),
  HS_KEY_REUSED: row("The idempotency key was used for another request", 422, "final"),
  HS_KEY_EXPIRED: row(
    "The idempotency key's life has passed; whether the write happened is not known any more",
    502,
    "final",
  ),
  HS_APP_INVALID: row("Cannot load the application {app}: {reason}", 500, "final", 78),

  HS_LSN_AHEAD: row("The request asks for LSN {lsn}; this host is at {found}", 503, "retry", 69),
  HS_ROUTE_ABSENT: row("There is nothing at {method} {target}", 404, "final"),
  HS_BODY_TOO_LARGE: row("The body is too large: accepted are {accepted} bytes", 413, "final"),
  HS_MEDIA_TYPE: row("The content type {found} is not accepted here", 415, "final"),

  HS_SPACE_ABSENT: row("There is no space {space}", 404, "final"),
  HS_DOCUMENT_ABSENT: row("There is no document {id} in space {space}", 404, "final"),
  HS_PRECONDITION_FAILED: row("The document {id} is not in the state that the request expects", 412, "final"),
  HS_BODY_INVALID: row("The body is not accepted: {reason}", 400, "final"),

  HS_MESSAGE_INVALID: row(
    "A message is not accepted: {field}: found {found}, accepted is {accepted}",
    400,
    "final",
    65,
  ),
  HS_MESSAGE_VERSION: row("No common protocol version: theirs {found}, ours {accepted}", 426, "final", 65),
  HS_MESSAGE_BOOT: row("The message is for the boot {found} of {host}, which is now {accepted}", 409, "retry", 69),
  HS_MAIN_STALLED: row("The main thread of {host} did not answer within {waitMs} ms", 503, "retry", 69),
  HS_SIGNATURE_INVALID: row("The signature was refused: {reason}", 401, "final", 65),
  HS_DECISION_REFUSED: row("The operation was refused: {reason}", 409, "final", 69),
  HS_DECISION_CONFLICT: row(
    "Something else was decided meanwhile: revision {revision} by {by} ({reason}). Look again, and repeat what still fits",
    409,
    "final",
    69,
  ),
  HS_INVITATION_REFUSED: row("The invitation was refused: {reason}", 403, "final", 69),
  HS_OPERATION_BUSY: row("{what} is in transition: {first}. Wait until that has ended", 409, "retry", 69),
  HS_HANDOVER_REFUSED: row("Pool {pool} is not handed over: {reason}", 409, "retry", 69),
  HS_PROMOTE_REFUSED: row("The order to take over was refused: {reason}", 409, "retry", 69),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** What fills a message's placeholders; also kept for logs and problem documents. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

export class HotspareError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(fill(ERRORS[code].message, details), options);
    this.name = "HotspareError";
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retry(): boolean {
    return ERRORS[this.code].retry;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }
}

export const isHotspareError = (error: unknown): error is HotspareError => error instanceof HotspareError;

/** A folder of the vault could not be synced: this process must not rely on it any more. */
export const isUndurable = (error: unknown): boolean => isHotspareError(error) && error.code === "HS_VAULT_UNDURABLE";

/** The message of whatever was thrown, for use inside another error's details. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Stops the node when what must hold does not: another node takes over, which is better than going on wrongly. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new HotspareError("HS_INTERNAL", { what });
}

/** The end of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new HotspareError("HS_INTERNAL", { what: `unexpected ${JSON.stringify(value)}` });
}

function fill(message: string, details: ErrorDetails): string {
  return message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? `(${name} unknown)`));
}
