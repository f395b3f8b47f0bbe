/**
 * Control messages between simulated nodes: late, out of order, doubled, lost on the way there or back, and to processes that are dead, paused or
 * cut off. How one fared is told as the production client tells it.
 */
import { isHotspareError } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { ConnectionFailureKind } from "../../shared/wire/send-failure.ts";
import type { Transport, TransportResult, TransportSending } from "../../proxy/transport.ts";
import type { Lifeline } from "./sim-process.ts";
import type { World } from "./world.ts";

/** What takes messages. */
export interface Hearer {
  /** @throws {HotspareError} what it refuses with. */
  hear<Name extends MessageName>(name: Name, body: Request<Name>, from: NodeId): Promise<Answer<Name>>;
}

/** Who can be sent something. */
export interface Receiver {
  readonly id: NodeId;
  readonly alive: boolean;
  /** Of this life; `null` while it starts. */
  readonly control: Hearer | null;
  readonly lifeline: () => Lifeline;
}

export class SimTransport implements Transport {
  readonly #world: World;
  readonly #from: NodeId;
  readonly #life: Lifeline;
  readonly #receivers: ReadonlyMap<NodeId, Receiver>;
  #closed = false;

  constructor(world: World, from: NodeId, life: Lifeline, receivers: ReadonlyMap<NodeId, Receiver>) {
    this.#world = world;
    this.#from = from;
    this.#life = life;
    this.#receivers = receivers;
  }

  send<Name extends MessageName>(name: Name, sending: SimSending<Name>): Promise<TransportResult<Name>> {
    if (name === "gossip") this.#judgeGossip(sending as SimSending<"gossip">);
    const because = "cause" in sending.body ? sending.body.cause : null;
    if (because === "clock") this.#world.log.note("handover because of a clock");
    return new Promise((resolve) => {
      let open = true;
      const end = (result: TransportResult<Name>): void => {
        if (!open || this.#closed) return;
        open = false;
        this.#world.promised();
        resolve(result);
      };
      this.#life.later(sending.timeoutMs, () => end(failed("timeout")));
      sending.signal?.addEventListener("abort", () => end(failed("aborted")), { once: true });
      this.#deliver(name, sending, end);
      const { dice, swarm, healed } = this.#world;
      if (!healed() && dice.chance(swarm.faults.doubledMessage)) this.#deliver(name, sending, end);
    });
  }

  close(): void {
    this.#closed = true;
  }

  /** Exchanges with one peer follow one another, so what they show of the sender does not go back. */
  #judgeGossip({ to, body: { observations, digest } }: SimSending<"gossip">): void {
    const { gossip, failed } = this.#world;
    const own = digest.find(({ origin }) => origin === this.#from);
    try {
      gossip.wrote(this.#from, [...digest, ...observations]);
      gossip.said(this.#from, observations);
      gossip.knows(this.#from, knowerOf(this.#from, own?.bootId ?? "", to), digest);
    } catch (error) {
      failed(error);
    }
  }

  #deliver<Name extends MessageName>(
    name: Name,
    { to, body }: SimSending<Name>,
    end: (result: TransportResult<Name>) => void,
  ): void {
    const receiver = this.#receivers.get(to);
    this.#travel(this.#from, to, () => {
      if (!receiver?.alive) return this.#back(to, () => end(failed("refused")));
      receiver.lifeline().later(0, () => {
        const { control } = receiver;
        if (!control) return this.#back(to, () => end(failed("refused")));
        this.#world.promised();
        control.hear(name, body, this.#from).then(
          (answer) => this.#back(to, () => end({ type: "answer", answer, roundTripMs: 1 })),
          (error: unknown) => {
            if (!isHotspareError(error)) return this.#world.failed(error);
            const { code, message } = error;
            this.#back(to, () => end({ type: "failed", kind: "rejected", reason: message, code }));
          },
        );
      });
    });
  }

  #back(from: NodeId, run: () => void): void {
    this.#travel(from, this.#from, () => this.#life.later(0, run));
  }

  #travel(from: NodeId, to: NodeId, arrive: () => void): void {
    const { dice, swarm, scheduler, healed, links } = this.#world;
    if (links.isCut(from, to) || (!healed() && dice.chance(swarm.faults.lostMessage))) return;
    scheduler.after(dice.chance(0.02) ? dice.spread(2, 500) : dice.between(0.05, 1), arrive);
  }
}

type SimSending<Name extends MessageName> = Omit<TransportSending<Name>, "signal"> & { readonly signal?: AbortSignal };

/** One life of a proxy, as one of its peers hears of it. */
export const knowerOf = (proxy: NodeId, bootId: string, peer: NodeId): string => `${proxy} ${bootId} to ${peer}`;

const failed = (
  kind: ConnectionFailureKind,
): { readonly type: "failed"; readonly kind: ConnectionFailureKind; readonly reason: string } => ({
  type: "failed",
  kind,
  reason: "simulated",
});
