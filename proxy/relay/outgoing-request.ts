/** A client's request as one attempt of it goes to a host. */
import type { Framing } from "../http1/framing.ts";
import type { BodyKeeper } from "./body-keeper.ts";
import type { Client } from "./client.ts";
import { namingLines, requestHead, type Naming } from "./message-lines.ts";
import type { UpstreamRequest } from "./upstream-connection.ts";

export interface OutgoingParts {
  readonly client: Client;
  readonly body: BodyKeeper;
  readonly naming: Naming;
  readonly pseudonym: string;
}

export function outgoingRequest({ client, body, naming, pseudonym }: OutgoingParts): UpstreamRequest {
  const { head, forwarding } = client;
  const framing = framingNow(head.framing, body);
  const text = requestHead({ head, forwarding, naming: namingLines(naming), framing, pseudonym });
  return { method: head.method, head: text, framing, body };
}

/** A body that is all here has a length, however it came. */
function framingNow(framing: Framing, body: BodyKeeper): Framing {
  if (framing.type !== "chunked" || body.whole === null) return framing;
  return { type: "length", bytes: body.keptBytes };
}
