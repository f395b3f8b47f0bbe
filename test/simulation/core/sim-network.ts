/** Messages between nodes: each takes its time, some are lost, and none comes through a link that is cut. */
import type { World } from "./world.ts";

export class SimNetwork {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  send({ from, to }: Way, deliver: () => void): void {
    const { dice, scheduler } = this.#world;
    if (this.#isLost(from, to)) return;
    scheduler.after(dice.chance(0.02) ? dice.spread(2, 500) : dice.between(0.05, 1), deliver);
  }

  /** Over a connection: what does not arrive breaks it, and both ends learn that. */
  stream({ from, to }: Way, deliver: () => void, broken: () => void): void {
    const { dice, scheduler } = this.#world;
    const isBroken = this.#isLost(from, to);
    scheduler.after(isBroken ? dice.spread(1, 1_000) : dice.between(0.05, 1), isBroken ? broken : deliver);
  }

  /** To a process that may be dead (`refused`), or paused: then the message waits for it. */
  sendTo(from: string, { id: to, process }: Receiver, { deliver, refused }: Delivery): void {
    this.send({ from, to }, () => {
      if (process.alive) return process.later(0, deliver);
      if (!this.#world.links.isCut(to, from)) refused();
    });
  }

  #isLost(from: string, to: string): boolean {
    const { dice, swarm, healed, links } = this.#world;
    const isLost = !healed() && dice.chance(swarm.faults.lostMessage);
    return isLost || links.isCut(from, to);
  }
}

interface Way {
  readonly from: string;
  readonly to: string;
}

interface Receiver {
  readonly id: string;
  readonly process: { readonly alive: boolean; later(delayMs: number, run: () => void): void };
}

interface Delivery {
  readonly deliver: () => void;
  /** Hears of it, if the way back is open. */
  readonly refused: () => void;
}
