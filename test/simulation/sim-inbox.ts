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

  constructor(parts: InboxParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  async hear<Name extends MessageName>(name: Name, body: Request<Name>, from: NodeId): Promise<Answer<Name>> {
    if (name !== "gossip") throw new HotspareError("HS_INTERNAL", { what: `a proxy has no handler for ${name}` });
    const request = body as Request<"gossip">;
    const { bootId, handlers } = this.#parts;
    if (request.bootId !== null && request.bootId !== bootId)
      throw new HotspareError("HS_MESSAGE_BOOT", { found: request.bootId, accepted: bootId, host: from });
    return (await handlers.gossip(request, from, this.#clock.wallMs())) as Answer<Name>;
  }
}
