/**
 * A simulated host: production core, production read proof, production report; a shell that performs effects with every
 * fault that the seed has. The disk outlives the process, or does not.
 */
import type { BootId, NodeId, OriginId, RecordId } from "../../../shared/ids.ts";
import { parsePoolId } from "../../../shared/ids.ts";
import type { FenceRef } from "../../../shared/journal/record.ts";
import type { Answer } from "../../../shared/wire/messages.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";
import { initialPool, isServing, stepPool } from "../../../host/core/pool-core.ts";
import type { Effect, Order, OrderAnswer, PoolEvent, PoolState, Seed, Tenure } from "../../../host/core/pool-state.ts";
import { reportOf } from "../../../host/pool-report.ts";
import { ReadProof } from "../../../host/read-proof.ts";
import { ModelStore } from "./model-store.ts";
import { SimCleaner } from "./sim-cleaner.ts";
import { SimCommitter, type HostAnswer, type Waiting } from "./sim-committer.ts";
import { SimEffects } from "./sim-effects.ts";
import { SimProcess } from "../sim-process.ts";
import { VaultCalls } from "./vault-calls.ts";
import type { World } from "./world.ts";

export const POOL = parsePoolId("main");
const TAKEOVER_TIMEOUT_MS = 2_000;

/** What is on the host's own disk. */
interface Disk {
  store: ModelStore;
  stableFence: RecordId | null;
}

export class SimHost {
  readonly id: NodeId;
  readonly process: SimProcess;
  readonly vault: VaultCalls;
  readonly disk: Disk = { store: new ModelStore(), stableFence: null };
  readonly #world: World;
  readonly #first: boolean;
  readonly #effects: SimEffects;
  readonly cleaner: SimCleaner;
  #committer: SimCommitter;
  #proof: ReadProof;
  #state: PoolState;
  #events: PoolEvent[] = [];
  #stepping = false;
  #tickets = 0;
  readonly #orders = new Map<number, (answer: OrderAnswer | null) => void>();
  #bootId = "" as BootId;

  constructor(world: World, id: NodeId, options: { readonly first: boolean }) {
    this.id = id;
    this.#world = world;
    this.#first = options.first;
    this.process = new SimProcess(world.scheduler);
    this.vault = new VaultCalls(world, this.process);
    this.#committer = this.#newCommitter();
    this.#proof = this.#newProof();
    this.#state = initialPool(this.#settings());
    this.#effects = new SimEffects(world, this);
    this.cleaner = new SimCleaner(world, this);
  }

  get state(): PoolState {
    return this.#state;
  }

  get committer(): SimCommitter {
    return this.#committer;
  }

  get bootId(): BootId {
    return this.#bootId;
  }

  get serving(): boolean {
    return this.process.alive && isServing(this.#state);
  }

  /** Deposed or stepped down for good: only a new process helps. */
  get sick(): boolean {
    return this.#state.phase.type === "fenced" && this.#state.phase.sick;
  }

  // --- Life -----------------------------------------------------------------------------------------------------------

  start(): void {
    this.process.start();
    this.vault.begin();
    this.#bootId = this.#world.newId<BootId>();
    this.#committer = this.#newCommitter();
    this.#proof = this.#newProof();
    this.cleaner.begin();
    this.#state = initialPool(this.#settings());
    this.#world.log.add(this.id, "starts", { slot: this.disk.store.head?.slot });
    const { head: applied, heir } = this.disk.store;
    this.dispatch({ type: "started", applied, heir, lastTenure: this.#lastTenure(), seed: this.seed() });
    this.#tick();
  }

  crash(loss = this.#lossAtCrash()): void {
    const { dice, log } = this.#world;
    this.process.kill();
    this.#events = [];
    log.add(this.id, "crashes", { loses: loss });
    if (loss === "disk") Object.assign(this.disk, { store: new ModelStore(), stableFence: null });
    if (loss === "tail") this.disk.store.forget(dice.whole(1, 4));
    for (const answer of this.#orders.values()) answer(null);
    this.#orders.clear();
  }

  #lossAtCrash(): "disk" | "tail" | "nothing" {
    const { dice, swarm } = this.#world;
    const { losesDisk, losesTail } = swarm.faults;
    return dice.chance(losesDisk) ? "disk" : dice.chance(losesTail) ? "tail" : "nothing";
  }

  // --- Asked from outside ---------------------------------------------------------------------------------------------

  /** Says anything: no safety may rest on it. */
  vote(): Answer<"vote"> {
    return { verdict: this.#world.dice.pick(["down", "alive", "unsure"] as const), reason: "dice", stillMs: 0 };
  }

  request(waiting: Waiting): void {
    if (!this.serving) return waiting.answer({ type: "not-primary" });
    const checked = this.#checked(waiting);
    if (waiting.asked.kind === "write") this.#committer.write(checked);
    else this.#read(checked);
  }

  /** `null`: the process died with the order. */
  order(order: Order, answered: (answer: OrderAnswer | null) => void): void {
    const ticket = ++this.#tickets;
    this.#orders.set(ticket, answered);
    this.dispatch({ type: "ordered", ticket, order });
  }

  hint(): void {
    this.dispatch({ type: "hint" });
  }

  enrol(): void {
    this.dispatch({ type: "enrol" });
  }

  report(): HostReport {
    const now = this.#world.scheduler.nowMs;
    return {
      host: this.id,
      bootId: this.#bootId,
      vaultId: null,
      version: "0",
      configHash: "",
      mainTickAgeMs: 0,
      probe: { ok: now >= this.vault.cutUntilMs, ageMs: 0, latencyMs: 1 },
      candidate: true,
      pools: [reportOf(this.#state, 0, now)],
    };
  }

  // --- Events ---------------------------------------------------------------------------------------------------------

  dispatch(event: PoolEvent): void {
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
  }

  answerOrder(ticket: number, answer: OrderAnswer): void {
    this.#world.log.note(
      answer.outcome === "serving" ? "order serving" : `order refused: ${answer.reason.slice(0, 40)}`,
    );
    this.#orders.get(ticket)?.(answer);
    this.#orders.delete(ticket);
  }

  /** Every move of the store is judged. */
  moved(): void {
    this.#world.ledger.moved(this.id, this.disk.store);
  }

  seed(): Seed {
    const { newId, scheduler } = this.#world;
    return { id: newId<RecordId>(), origin: newId<OriginId>(), wallMs: Math.floor(scheduler.nowMs) };
  }

  leaveTenure(): void {
    if (this.#state.phase.type !== "primary" && this.#committer.head !== null) this.#committer.end();
  }

  #step(event: PoolEvent): void {
    const before = this.#state;
    const { state, effects } = stepPool(before, event, this.#world.scheduler.nowMs);
    this.#state = state;
    if (event.type !== "tick" || effects.length > 0) this.#world.log.add(this.id, event.type, event);
    this.#note(before, state);
    this.#onTransition(before, state);
    for (const effect of effects) this.#perform(effect);
  }

  #note(before: PoolState, after: PoolState): void {
    const { log } = this.#world;
    if (after.phase.type !== before.phase.type) {
      log.add(this.id, `becomes ${after.phase.type}`, reasonOf(after));
      log.note(after.phase.type);
    }
    if (after.alarm && after.alarm.reason !== before.alarm?.reason) log.note(after.alarm.code);
    const { phase } = after;
    if (phase.type === "taking-over") log.note(`takeover ${phase.stage.type}`);
    if (phase.type === "primary" && phase.primary.publication)
      log.note(`publication ${phase.primary.publication.stage.type}`);
  }

  #perform(effect: Effect): void {
    this.#world.log.add(this.id, `> ${effect.type}`, effect);
    this.#effects.perform(effect);
  }

  #onTransition(before: PoolState, after: PoolState): void {
    if (after.lastTenure?.stable) this.disk.stableFence = after.lastTenure.fence;
    if (isServing(before) === isServing(after)) return;
    if (isServing(before)) return this.#committer.close();
    const fence = after.phase.type === "primary" ? after.phase.primary.fence : null;
    this.#world.ledger.serves(this.id, fence as FenceRef, this.disk.store);
    this.#committer.open();
  }

  #tick(): void {
    const { swarm } = this.#world;
    this.dispatch({ type: "tick", seed: this.seed() });
    this.leaveTenure();
    this.cleaner.tick();
    this.process.later(swarm.tickMs, () => this.#tick());
  }

  // --- Reading and writing --------------------------------------------------------------------------------------------

  #read(waiting: Waiting): void {
    this.#prove()
      .then(
        () => this.#answerRead(waiting),
        () => waiting.answer({ type: "not-primary" }),
      )
      .catch(this.#world.failed);
  }

  #prove(): Promise<void> {
    this.#world.promised();
    return this.#proof.prove();
  }

  #answerRead({ asked, answer }: Waiting): void {
    const { store } = this.disk;
    const value = store.read(asked.register);
    answer({ type: "done", lsn: store.head?.lsn ?? 0, value, epoch: this.#epoch(), replayed: false });
  }

  /** An answer is judged when it leaves, and leaves only a process that lives. */
  #checked({ asked, sentMs, answer }: Waiting): Waiting {
    const { ended } = this.process.lifeline();
    const { ledger, scheduler } = this.#world;
    const judged = (given: HostAnswer): void => {
      if (ended()) return;
      const times = { sentMs, nowMs: scheduler.nowMs };
      if (given.type === "done") ledger.answers(this.id, this.#bootId, asked, given, times);
      answer(given);
    };
    return { asked, sentMs, answer: judged };
  }

  #epoch(): number {
    const { phase } = this.#state;
    return phase.type === "primary" ? phase.primary.fence.epoch : (this.#state.newestFence?.epoch ?? 0);
  }

  // --- Parts ----------------------------------------------------------------------------------------------------------

  #newCommitter(): SimCommitter {
    const { ended } = this.process.lifeline();
    return new SimCommitter(this.#world, {
      publish: (sealed) => this.dispatch({ type: "publish", sealed }),
      committed: () => this.dispatch({ type: "committed" }),
      prove: () => this.#prove(),
      store: () => this.disk.store,
      moved: () => void (ended() || this.moved()),
    });
  }

  #newProof(): ReadProof {
    const { ended } = this.process.lifeline();
    return new ReadProof(POOL, this.#world.swarm.reads, {
      standing: () => this.#standing(),
      find: (at) =>
        new Promise((resolve) =>
          this.vault.find(at, (found) => {
            this.#world.promised();
            resolve(found);
          }),
        ),
      barrier: () =>
        new Promise((resolve, reject) =>
          this.#committer.run([], 0, (head) => {
            this.#world.promised();
            if (head && !ended()) resolve();
            else reject(new Error("not primary"));
          }),
        ),
    });
  }

  #standing(): ReturnType<ConstructorParameters<typeof ReadProof>[2]["standing"]> {
    const { phase } = this.#state;
    if (phase.type !== "primary" || phase.primary.stage !== "serving") return null;
    const { fence, head, publication } = phase.primary;
    return { fence, head: head.slot, inFlight: publication?.sealed ?? null };
  }

  #lastTenure(): Tenure | null {
    const { store, stableFence } = this.disk;
    const fence = store.head?.fence;
    if (!fence || fence.owner !== this.id) return null;
    return { fence: fence.id, reason: store.fenceReason, stable: stableFence === fence.id };
  }

  #settings(): PoolState["settings"] {
    const { swarm } = this.#world;
    return {
      pool: POOL,
      self: this.id,
      bootId: this.#bootId,
      firstPreferred: this.#first,
      orderable: swarm.proxies > 0 && swarm.hosts > 1,
      takeoverTimeoutMs: TAKEOVER_TIMEOUT_MS,
      surveyIntervalMs: 100,
      rejoin: swarm.rejoin,
      schema: ["entry"],
    };
  }
}

/** Why, where a phase says it. */
function reasonOf({ phase, alarm }: PoolState): string {
  if (phase.type === "fenced") return phase.reason;
  return alarm?.reason ?? "";
}
