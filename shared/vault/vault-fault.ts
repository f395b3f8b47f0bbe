/**
 * System errors, told apart: which errors of the share say that certainly nothing was published, and which code a user
 * reads. Whatever is no system error is a bug (or a simulated crash) and is thrown on.
 */
import { HotspareError, reasonOf } from "../errors.ts";

/** What was being done, for the message. */
export interface FaultContext {
  /** The vault's root, as the configuration names it. */
  readonly directory: string;
  readonly action: string;
  readonly name: string;
}

const FULL = new Set(["ENOSPC", "EDQUOT"]);
const UNWRITABLE = new Set(["EROFS", "EACCES", "EPERM"]);
/**
 * Errors of `link` that a share gives before it changes anything. ENOENT is not among them: a lost reply, a sweep of the
 * temporary name and a repeated call look just like it.
 */
const LINK_REFUSED = new Set([...FULL, ...UNWRITABLE, "EMLINK", "ENAMETOOLONG", "EXDEV", "EOPNOTSUPP", "ENOTSUP"]);

/** A share that answers a link like this has no hard links, and will have none. */
const NO_LINKS = new Set(["EMLINK", "EXDEV", "EOPNOTSUPP", "ENOTSUP"]);

/** The code of a system error. @throws the error itself if it is none. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error) {
    return error.code;
  }
  throw error;
}

/** The error that a user reads. @throws the error itself if it is no system error. */
export function vaultFault(error: unknown, { directory, action, name }: FaultContext): HotspareError {
  const code = systemCode(error);
  const reason = reasonOf(error);
  const options = { cause: error };
  if (action === "publish" && NO_LINKS.has(code)) {
    const why = `a name cannot be created exactly once there: ${reason}`;
    return new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason: why }, options);
  }
  if (FULL.has(code)) return new HotspareError("HS_VAULT_FULL", { reason }, options);
  if (UNWRITABLE.has(code)) return new HotspareError("HS_VAULT_UNWRITABLE", { directory, reason }, options);
  return new HotspareError("HS_VAULT_IO", { action, name, reason }, options);
}

export const linkRefused = (code: string): boolean => LINK_REFUSED.has(code);
