/** Everything that a run does to a cluster: a closed list, each entry with what it hits and how long it lasts. */

/** Whom a fault hits; who that is, is found out when it happens. */
export type Target =
  | "primary"
  | "standby"
  | "proxy"
  | "primary and standby"
  | "primary and proxy"
  | "all hosts"
  | "everything";

/** Whom a fault of the network hits. */
export type Cut =
  | "primary from proxies"
  | "primary from one proxy"
  | "standby from all"
  | "proxy from hosts"
  | "primary from all";

/** `in`: it hears nothing; `out`: nobody hears it. */
export type Way = "both" | "in" | "out";

export type Fault =
  /** SIGKILL; started again after `forMs`. */
  | { readonly type: "kill"; readonly target: Target; readonly forMs: number }
  /** SIGKILL of the primary, and of the host that takes over, so long after it was ordered to. */
  | { readonly type: "kill taker"; readonly afterMs: number; readonly forMs: number }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly type: "pause"; readonly target: Target; readonly forMs: number }
  /** SIGTERM; started again after `forMs`. */
  | { readonly type: "stop"; readonly target: Target; readonly forMs: number }
  /** A standby is killed and its data folder is gone when it is started again. */
  | { readonly type: "lose data"; readonly forMs: number }
  | { readonly type: "cut"; readonly cut: Cut; readonly way: Way; readonly forMs: number }
  /** A standby without data restores, is cut off in the middle of it, and heard again after `forMs`. */
  | { readonly type: "cut catching up"; readonly forMs: number }
  | {
      readonly type: "lose packets";
      readonly target: "primary" | "proxy";
      readonly percent: number;
      readonly forMs: number;
    }
  | { readonly type: "slow network"; readonly target: "primary" | "proxy"; readonly forMs: number }
  /** The wall clock jumps, and back after `forMs`. */
  | {
      readonly type: "clock";
      readonly target: "primary" | "standby" | "proxy" | "everything";
      readonly byS: number;
      readonly forMs: number;
    }
  /** All wall clocks come to two seconds before a change of summer time, and pass it. */
  | { readonly type: "summer time"; readonly forMs: number };

export type FaultKind = "kill" | "pause" | "restart" | "data" | "network" | "clock";

export const FAULT_KINDS: readonly FaultKind[] = ["kill", "pause", "restart", "data", "network", "clock"];

/** What the table calls it. */
export function nameOfFault(fault: Fault): string {
  switch (fault.type) {
    case "kill":
      return `SIGKILL ${fault.target}`;
    case "kill taker":
      return "SIGKILL primary, then its taker";
    case "pause":
      return `SIGSTOP ${fault.target}`;
    case "stop":
      return `SIGTERM ${fault.target}`;
    case "lose data":
      return "a standby loses its data";
    case "cut":
      return `cut ${fault.cut}${fault.way === "both" ? "" : `, ${fault.way} only`}`;
    case "cut catching up":
      return "cut a standby that restores";
    case "lose packets":
      return `${fault.percent} % loss at ${fault.target}`;
    case "slow network":
      return `slow network at ${fault.target}`;
    case "clock":
      return `clock of ${fault.target} ${fault.byS > 0 ? "+" : "−"}${Math.abs(fault.byS) / 3600} h`;
    case "summer time":
      return "summer time changes";
  }
}

/** Whether a failover must come of it, if it lasts. */
export const deposes = (fault: Fault): boolean =>
  fault.type === "kill taker" ||
  ((fault.type === "kill" || fault.type === "stop") &&
    ["primary", "primary and standby", "primary and proxy"].includes(fault.target));
