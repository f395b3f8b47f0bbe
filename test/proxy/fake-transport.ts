/**
 * Carries messages to fake hosts in this process: answers, refuses or stays silent as the host's state says. Whoever is no
 * host is a proxy that does not run.
 */
import type { Clock } from "../../shared/clock.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { PoolReport } from "../../shared/wire/reports.ts";
import type { Transport, TransportResult, TransportSending } from "../../proxy/transport.ts";
import type { FakeHost } from "./fake-host.ts";

export class FakeTransport implements Transport {
  readonly #hosts: ReadonlyMap<NodeId, FakeHost>;
  readonly #clock: Clock;

  constructor(hosts: readonly FakeHost[], clock: Clock) {
    this.#hosts = new Map(hosts.map((host) => [host.id, host]));
    this.#clock = clock;
  }

  async send<Name extends MessageName>(name: Name, sending: TransportSending<Name>): Promise<TransportResult<Name>> {
    const host = this.#hosts.get(sending.to);
    if (host === undefined || host.state === "dead") return { type: "failed", kind: "refused", reason: "dead" };
    if (host.state === "paused") return this.#silence(sending);
    const answer = this.#answer(name, host, sending.body);
    return { type: "answer", answer: answer as Answer<Name>, roundTripMs: 0 };
  }

  close(): void {}

  #answer(name: MessageName, host: FakeHost, body: unknown): unknown {
    if (name === "heartbeat") return this.#heartbeat(host, body as Request<"heartbeat">);
    return name === "vote" ? VOTE : promote(host, body as Request<"promote">);
  }

  #heartbeat(host: FakeHost, { clock = null }: Request<"heartbeat">): Answer<"heartbeat"> {
    host.heardClock = clock;
    const nowMs = this.#clock.wallMs() + host.clockAheadMs;
    return { report: host.report, originMs: 0, receivedMs: nowMs, sentMs: nowMs };
  }

  #silence<Name extends MessageName>({ timeoutMs, signal }: TransportSending<Name>): Promise<TransportResult<Name>> {
    return new Promise((resolve) => {
      const end = (): void => resolve({ type: "failed", kind: "timeout", reason: "silent" });
      const cancel = this.#clock.after(timeoutMs, end);
      signal.addEventListener("abort", () => {
        cancel();
        end();
      });
    });
  }
}

/** Standbys here have seen the vault stand still. */
const VOTE: Answer<"vote"> = { verdict: "down", reason: "stands still", stillMs: 3000 };

/** Takes over if the fence to depose is the newest that this host has read. */
function promote(host: FakeHost, order: Request<"promote">): Answer<"promote"> {
  host.orders += 1;
  const known = (host.report.pools[0] as PoolReport).fence;
  if ((known?.id ?? null) !== order.fence)
    return { outcome: "refused", reason: "not the newest", fence: known, phases: {} };
  host.serve((known?.epoch ?? 0) + 1);
  host.ordered(order.fence);
  return { outcome: "serving", reason: "", fence: (host.report.pools[0] as PoolReport).fence, phases: { fence: 1 } };
}
