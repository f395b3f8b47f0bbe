/**
 * With which nodes this proxy has no version of the protocol in common, as they say. One that was not reached has said
 * nothing.
 */
import type { ErrorDetails } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { MessageName } from "../shared/wire/messages.ts";
import type { TransportResult } from "./transport.ts";

export class ProtocolProblems {
  readonly #problems = new Map<NodeId, string>();
  readonly #onChanged: (node: NodeId, problem: string | null) => void;

  /** @param onChanged told when a problem is there, and (`null`) when it is over. */
  constructor(onChanged: (node: NodeId, problem: string | null) => void) {
    this.#onChanged = onChanged;
  }

  /** Why the two do not understand one another; `null`: they do, or the node was never heard. */
  of(node: NodeId): string | null {
    return this.#problems.get(node) ?? null;
  }

  note(node: NodeId, result: TransportResult<MessageName>): void {
    const rejected = result.type === "failed" && result.kind === "rejected";
    if (!rejected && result.type === "failed") return;
    const problem = rejected && result.code === "HS_MESSAGE_VERSION" ? problemIn(result.details) : null;
    if (problem === this.of(node)) return;
    if (problem === null) this.#problems.delete(node);
    else this.#problems.set(node, problem);
    this.#onChanged(node, problem);
  }
}

/** The sides are those of the node that refused: what it found is what this proxy speaks. */
const problemIn = ({ found, accepted }: ErrorDetails = {}): string =>
  `speaks protocol ${accepted}; accepted is ${found}`;
