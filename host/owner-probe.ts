/**
 * Asks the owner of a fence how it is, on its control listener, as a proxy does. Not answering counts only where nobody can
 * be there: what is refused or reset is asked once more, a moment later, since a listener may just be opening.
 */
import { sleep, type Clock } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import type { Sending } from "../shared/wire/message-client.ts";
import type { Asked } from "./core/vote.ts";
import type { PeerResult } from "./host-parts.ts";

export interface HeartbeatSender {
  send(name: "heartbeat", sending: Sending<"heartbeat">): Promise<PeerResult<"heartbeat">>;
}

export interface OwnerProbeOptions {
  readonly client: HeartbeatSender;
  readonly clock: Clock;
  /** For each of at most two tries. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Between two tries. */
const CONFIRM_MS = 20;

export async function probeOwner(
  owner: Pick<HostConfig, "id" | "control">,
  options: OwnerProbeOptions,
): Promise<Asked> {
  const first = await ask(owner, options);
  if (first.type === "answer" || (first.kind !== "refused" && first.kind !== "reset")) return outcomeOf(first);
  await sleep(options.clock, CONFIRM_MS, options.signal).catch(() => undefined);
  return outcomeOf(await ask(owner, options));
}

/** Never takes longer than this. */
export const probeBoundMs = (timeoutMs: number): number => 2 * timeoutMs + CONFIRM_MS;

/** Without a boot id: it changes nothing there, and whoever answers says which life it is of. */
function ask(
  { id: to, control: address }: Pick<HostConfig, "id" | "control">,
  { client, clock, timeoutMs, signal }: OwnerProbeOptions,
): Promise<PeerResult<"heartbeat">> {
  if (signal.aborted) return Promise.resolve({ type: "failed", kind: "aborted", reason: "this host stops" });
  const body = { bootId: null, originMs: clock.wallMs() };
  return client.send("heartbeat", { to, address, body, timeoutMs, signal });
}

function outcomeOf(result: PeerResult<"heartbeat">): Asked {
  if (result.type === "answer") return { type: "report", report: result.answer.report };
  const { kind, reason } = result;
  switch (kind) {
    case "refused":
    case "reset":
    case "timeout":
    case "unreachable":
      return { type: "failed", reason: `${kind}: ${reason}` };
    case "rejected":
    case "invalid":
    case "aborted":
      return { type: "unclear", reason: `${kind}: ${reason}` };
  }
}
