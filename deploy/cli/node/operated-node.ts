/** One node that an operation is about: how it is, whether something else is under way with it, and waiting for it. */
import { sleep } from "../../../shared/clock.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { Config } from "../../../shared/config/config.ts";
import type { ClusterLink, ClusterWord } from "../cluster-link.ts";
import type { CommandContext } from "../command.ts";
import { Spinner } from "../spinner.ts";
import { wallText } from "../wall-text.ts";
import { nodeStates, type NodeState } from "./node-state.ts";

/** Between two looks at a node that is waited for. */
const LOOK_MS = 200;
/** A node that is not there by then is told as busy; what was decided goes on. */
const WAIT_MS = 10 * 60_000;

export interface Look {
  readonly word: ClusterWord;
  readonly state: NodeState;
}

export class OperatedNode {
  readonly id: string;
  readonly #link: ClusterLink;

  constructor(link: ClusterLink, name: string) {
    this.id = name;
    this.#link = link;
  }

  /**
   * How it is now. One that was removed is in no copy of the file any more, and is known all the same.
   * @throws {HotspareError} HS_USAGE if there is no such node.
   */
  async look(): Promise<Look> {
    const word = await this.#link.ask();
    const reached = await this.#link.reach();
    const state = nodeStates(this.#link.config, word, reached).find(({ node }) => node === this.id);
    if (state) return { word, state };
    if (word.decisions.removed.includes(this.id)) return { word, state: removedNode(this.id) };
    return refuseUnknown(this.#link.config, this.id);
  }

  /** @throws {HotspareError} HS_OPERATION_BUSY, which names what is under way, who began it and when. */
  async refuseBusy({ word }: Look): Promise<never> {
    const revisions = await this.#link.revisions(word);
    const last = revisions.findLast(({ change }) => "node" in change && change.node === this.id);
    const does = last && { offline: "takes it offline", online: "brings it online" }[last.change.type as string];
    const why = last && last.reason !== "" ? ` (${last.reason})` : "";
    const first = does ? `${last.by} ${does} since ${wallText(last.atMs)}${why}` : "it is starting";
    throw new HotspareError("HS_OPERATION_BUSY", { what: this.id, first });
  }

  /** Looks until `isThere`. @throws {HotspareError} HS_OPERATION_BUSY if that takes too long. */
  async until(isThere: (look: Look) => boolean, what: string, context: CommandContext): Promise<Look> {
    const { clock } = context;
    const spinner = new Spinner(context, what);
    const untilMs = clock.monotonicMs() + WAIT_MS;
    try {
      for (;;) {
        const look = await this.look();
        if (isThere(look)) return look;
        if (clock.monotonicMs() >= untilMs) return await this.refuseBusy(look);
        await sleep(clock, LOOK_MS);
      }
    } finally {
      spinner.end();
    }
  }
}

const removedNode = (node: string): NodeState => ({
  node,
  kind: "host",
  state: "removed",
  role: null,
  by: null,
  sinceMs: null,
  reason: null,
});

function refuseUnknown({ hosts, proxies, cluster, file }: Config, name: string): never {
  const known = [...hosts, ...proxies].map(({ id }): string => id);
  throw new HotspareError("HS_USAGE", {
    reason: `cluster ${cluster} of ${file} has no node ${name}; it has ${known.join(", ")}`,
  });
}
