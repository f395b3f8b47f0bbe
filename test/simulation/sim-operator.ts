/**
 * An operator who does at random what operators do: hands pools over, takes nodes out and brings them back, begins and
 * ends maintenances. Asks hosts as the command line does; whatever is refused is refused with a code.
 */
import { isHotspareError } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Change, Decisions } from "../../shared/revisions/decisions.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { SimHost } from "./sim-host.ts";
import type { World } from "./world.ts";

const OPERATOR = "operator" as NodeId;
const BY = { by: "operator", reason: "chance" };

export class SimOperator {
  readonly #world: World;
  readonly #hosts: readonly SimHost[];
  readonly #nodes: readonly NodeId[];

  constructor(world: World, hosts: readonly SimHost[], proxies: readonly { readonly id: NodeId }[]) {
    this.#world = world;
    this.#hosts = hosts;
    this.#nodes = [...hosts, ...proxies].map(({ id }) => id);
  }

  /** One thing, to whoever is drawn. */
  act(): void {
    const { dice } = this.#world;
    if (dice.chance(0.5)) return this.#handOver();
    const node = dice.pick(this.#nodes);
    this.#decide(() =>
      dice.pick<Change>([
        { type: "offline", node, last: dice.chance(0.3) },
        { type: "online", node },
        { type: "online", node: dice.pick(this.#nodes) },
        { type: "maintenance-on", untilMs: null },
        { type: "maintenance-off" },
      ]),
    );
  }

  /** Everything is as if no operator had ever been there. */
  undo(): void {
    this.#decide(({ offline, maintenance }) => {
      const [out] = offline;
      if (out !== undefined) return { type: "online", node: out.node };
      return maintenance === null ? null : { type: "maintenance-off" };
    });
  }

  #handOver(): void {
    const { dice } = this.#world;
    const host = this.#hosts.find(({ serving }) => serving) ?? dice.pick(this.#hosts);
    const { pool } = host;
    if (pool === null) return;
    const to = dice.chance(0.5) ? null : dice.pick(this.#hosts).id;
    const { bootId } = pool.state.settings;
    const body = { pool: pool.id, bootId, to, by: "operator", cause: "chance", dryRun: dice.chance(0.1) };
    this.#ask(host, "handover", () => body);
  }

  /** Looks, and decides on what it sees: it may be out of date by then. */
  #decide(choose: (decisions: Decisions) => Change | null): void {
    const host = this.#world.dice.pick(this.#hosts);
    this.#ask(
      host,
      "revisions",
      () => ({ from: null, limit: 1 }),
      ({ decisions }) => {
        const change = choose(decisions);
        if (change !== null) this.#ask(host, "decide", () => ({ base: decisions.revision, change, ...BY }));
      },
    );
  }

  #ask<Name extends MessageName>(
    host: SimHost,
    name: Name,
    body: () => Request<Name>,
    then: (answer: Answer<Name>) => void = () => undefined,
  ): void {
    const { log, failed, promised } = this.#world;
    host.lifeline().later(0, () => {
      const { control } = host;
      if (control === null) return;
      promised();
      control.hear(name, body(), OPERATOR).then(
        (answer) => {
          log.note(name);
          then(answer);
        },
        (error: unknown) => (isHotspareError(error) ? log.note(`${name} ${error.code}`) : failed(error)),
      );
    });
  }
}
