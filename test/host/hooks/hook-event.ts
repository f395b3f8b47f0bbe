/** An event as a hook is told it, and the call of one; for tests. */
import type { HookCall } from "../../../host/hooks/hook-call.ts";
import type { HookEvent } from "../../../host/hooks/hook-event.ts";
import { parseNodeId, parsePoolId } from "../../../shared/ids.ts";

export const EVENT: HookEvent = {
  event: "before-handover",
  cluster: "shop",
  host: parseNodeId("host-a"),
  pool: parsePoolId("main"),
  epoch: 7,
  previous: parseNodeId("host-a"),
  successor: null,
  cause: 'new disks\nin "host-a"; $(exit 1)\0',
  by: "ann",
  atMs: 1_700_000_000_000,
};

export const hookCall = (action: HookCall["action"], changes: Partial<HookCall> = {}): HookCall => ({
  action,
  event: EVENT,
  id: "msg_1",
  folder: "/",
  hidden: [],
  timeoutMs: 30_000,
  signal: new AbortController().signal,
  ...changes,
});
