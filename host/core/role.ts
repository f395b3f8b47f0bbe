/** The roles of a host for one pool as one table of transitions. A change that is not in it is a broken invariant. */
import type { Role } from "../../shared/wire/role.ts";

const NEXT: Readonly<Record<Role, readonly Role[]>> = {
  restoring: ["standby", "offline"],
  standby: ["taking-over", "restoring", "fenced", "offline"],
  "taking-over": ["primary", "standby", "restoring", "fenced", "offline"],
  primary: ["fenced", "offline"],
  fenced: ["standby", "offline"],
  offline: ["standby"],
};

export const mayBecome = (from: Role, to: Role): boolean => from === to || NEXT[from].includes(to);
