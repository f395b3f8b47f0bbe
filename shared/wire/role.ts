/** What a host is for one pool. Transitions are in `host/core/role.ts`. */
export const ROLES = ["restoring", "standby", "taking-over", "primary", "fenced", "offline"] as const;

export type Role = (typeof ROLES)[number];
