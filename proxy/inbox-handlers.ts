/** What other nodes, and people's commands, ask of a proxy by message. */
import { configurationAnswer } from "../shared/config/configuration-answer.ts";
import type { ConfigStanding } from "../shared/config/config-standing.ts";
import type { NodeId } from "../shared/ids.ts";
import type { InboxParts } from "./gossip-listener.ts";
import type { Gossiper } from "./gossiper.ts";

export interface InboxHandlersOptions {
  readonly gossiper: Pick<Gossiper, "answer">;
  readonly standing: () => ConfigStanding;
  /** Something may have changed at that host. */
  readonly look: (host: NodeId) => void;
  /** The newest that operators decided, as it is known here. */
  readonly revision: () => number;
}

export function inboxHandlers({ gossiper, standing, look, revision }: InboxHandlersOptions): InboxParts["handlers"] {
  return {
    gossip: (request, from, receivedMs) => gossiper.answer(request, from, receivedMs),
    configuration: () => Promise.resolve(configurationAnswer(standing())),
    look: async ({ host }) => {
      look(host as NodeId);
      return { revision: revision() };
    },
  };
}
