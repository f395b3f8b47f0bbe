/** Where a simulated proxy hears others: what `shared/wire/message-server.ts` does, without HTTP and signatures. */
import type { Clock } from "../../shared/clock.ts";
import { HotspareError } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { InboxParts } from "../../proxy/gossip-listener.ts";
import type { Hearer } from "./sim-transport.ts";

export class SimInbox implements Hearer {
  readonly #parts: InboxParts;
  readonly #clock: Clock;
  readonly #judge: (answer: Answer<"gossip">) => void;

  /** @param judge hears every answer. */
  constructor(parts: InboxParts, clock: Clock, judge: (answer: Answer<"gossip">) => void) {
    this.#parts = parts;
    this.#clock = clock;
    this.#judge = judge;
  }

  get bootId(): string {
    return this.#parts.bootId;
  }

  async hear<Name extends MessageName>(name: Name, body: Request<Name>, from: NodeId): Promise<Answer<Name>> {
    if (name !== "gossip") throw new HotspareError("HS_INTERNAL", { what: `a proxy has no handler for ${name}` });
    const request = body as Request<"gossip">;
    const { bootId, handlers } = this.#parts;
    if (request.bootId !== null && request.bootId !== bootId)
      throw new HotspareError("HS_MESSAGE_BOOT", { found: request.bootId, accepted: bootId, host: from });
    const answer = await handlers.gossip(request, from, this.#clock.wallMs(), "");
    this.#judge(answer);
    return answer as Answer<Name>;
  }
}
