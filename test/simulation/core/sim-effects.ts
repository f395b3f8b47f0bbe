/** Performs what a simulated host's core asks for: the same effects as `host/pool-effects.ts`, with every fault of the seed. */
import { slot } from "../../../shared/position.ts";
import type { Effect, Restored } from "../../../host/core/pool-state.ts";
import { ModelStore, schemaOperations } from "./model-store.ts";
import type { SimHost } from "./sim-host.ts";
import type { World } from "./world.ts";

export class SimEffects {
  readonly #world: World;
  readonly #host: SimHost;

  constructor(world: World, host: SimHost) {
    this.#world = world;
    this.#host = host;
  }

  perform(effect: Effect): void {
    const host = this.#host;
    switch (effect.type) {
      case "survey":
        return this.#survey(effect);
      case "read":
        return host.vault.read(effect.from, effect.to, (run) =>
          host.dispatch({ type: "read", call: effect.call, run }),
        );
      case "sync":
        return host.vault.sync((error) => host.dispatch({ type: "synced", call: effect.call, error }));
      case "put":
        return this.#put(effect);
      case "apply":
        return this.#apply(effect, 0);
      case "restore":
        return this.#restore(effect);
      case "open":
        return this.#open(effect.call);
      case "commit":
        return host.committer.commit(effect.head);
      case "discard":
        host.committer.discard(effect.outcome);
        return host.leaveTenure();
      case "answer-order":
        return host.answerOrder(effect.ticket, effect.answer);
    }
  }

  #survey({ call, from }: Effect & { type: "survey" }): void {
    const host = this.#host;
    host.vault.survey(from, (survey) => host.dispatch({ type: "surveyed", call, survey, reason: "simulated" }));
  }

  #put({ call, sealed }: Effect & { type: "put" }): void {
    const host = this.#host;
    host.vault.put(sealed, (result) => host.dispatch({ type: "put", call, result }));
  }

  /** All in one go, as a rule; with breaks where a record ends with a mark. */
  #apply(effect: Effect & { type: "apply" }, from: number): void {
    const { dice, swarm, healed } = this.#world;
    const host = this.#host;
    for (let index = from; index < effect.steps.length; index += 1) {
      const { sealed, head } = effect.steps[index]!;
      if (!healed() && dice.chance(swarm.faults.failedApply)) return this.#applied(effect.call, "simulated");
      host.disk.store.apply(sealed, head);
      host.moved();
      if (dice.chance(0.1)) return host.process.later(dice.spread(1, 100), () => this.#apply(effect, index + 1));
    }
    this.#applied(effect.call, null);
  }

  #applied(call: number, failure: string | null): void {
    this.#host.dispatch({ type: "applied", call, head: this.#host.disk.store.head, failure });
    this.#host.dispatch({ type: "fitness", unfit: null });
  }

  #restore({ call, atLeast, aside }: Effect & { type: "restore" }): void {
    const { dice } = this.#world;
    const host = this.#host;
    const end = (result: Restored): void => {
      host.dispatch({ type: "fitness", unfit: null });
      host.dispatch({ type: "restored", call, result });
    };
    host.vault.survey(slot(1), (survey) => {
      if (!survey) return end({ type: "failed", code: "HS_VAULT_IO", reason: "simulated" });
      const wanted = survey.checkpoints.findLast((at) => at >= (atLeast ?? 0));
      if (wanted === undefined) return end(this.#none(aside));
      host.vault.checkpoint(wanted, (snapshot) => {
        if (!snapshot) return end({ type: "failed", code: "HS_VAULT_IO", reason: "the checkpoint is gone" });
        host.process.later(dice.spread(5, 300), () => {
          host.disk.store = new ModelStore();
          host.disk.store.install(snapshot);
          host.moved();
          const { head } = host.disk.store;
          end(head ? { type: "restored", head } : { type: "failed", code: "HS_VAULT_IO", reason: "empty" });
        });
      });
    });
  }

  #none(aside: string | null): Restored {
    const { disk } = this.#host;
    if (aside !== null) disk.store = new ModelStore();
    return { type: "none", head: disk.store.head, reason: "no checkpoint" };
  }

  #open(call: number): void {
    const { dice, swarm, healed } = this.#world;
    const host = this.#host;
    const opened = (error: string | null): void => host.dispatch({ type: "opened", call, error, seed: host.seed() });
    if (!healed() && dice.chance(swarm.faults.failedOpen)) return host.process.later(5, () => opened("simulated"));
    host.process.later(dice.between(0.1, 5), () => {
      const { store } = host.disk;
      if (!store.head) throw new Error("a tenure without a fence");
      if (host.state.phase.type !== "primary") return opened("no tenure");
      host.committer.begin(store.head);
      if (store.hasSchema) return opened(null);
      host.committer.run(schemaOperations, 1, (head) => opened(head ? null : "the schema was not published"));
    });
  }
}
