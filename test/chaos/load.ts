/** All clients of a run: started once, going on through every fault, stopped together, and then reading everything once. */
import { Dice } from "../simulation/dice.ts";
import { BankWorkload } from "./bank-workload.ts";
import { Caller } from "./caller.ts";
import { Client } from "./client.ts";
import { CounterWorkload } from "./counter-workload.ts";
import { ListWorkload } from "./list-workload.ts";
import type { Recorder } from "./recorder.ts";
import { RegisterWorkload } from "./register-workload.ts";
import { SessionWorkload } from "./session-workload.ts";
import { SetWorkload } from "./set-workload.ts";
import type { Workload } from "./workload.ts";

export interface LoadOptions {
  readonly proxies: readonly string[];
  readonly seed: number;
  readonly recorder: Recorder;
}

/** Between two calls of one client, so that a long run's history can be kept and judged. */
const MOST_THOUGHT_MS = 25;

export class Load {
  readonly #options: LoadOptions;
  readonly #bank = new BankWorkload();
  readonly #workloads: readonly Workload[] = [
    new RegisterWorkload(),
    new ListWorkload(),
    this.#bank,
    new CounterWorkload(),
    new SetWorkload(),
    new SessionWorkload(),
  ];
  readonly #callers: Caller[] = [];
  #tasks: readonly Promise<void>[] = [];
  #round = 0;
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Makes what the clients need, and starts them. */
  async start(): Promise<void> {
    const founder = this.#client("founder");
    for (const space of ["chaos", "bank", "sets"])
      await founder.send({ method: "PUT", path: `/spaces/${space}`, body: "{}" });
    await this.#bank.open(founder);
    this.goOn();
  }

  /** Starts clients, after a `stop` other ones: a name is never used twice, since keys are made of it. */
  goOn(): void {
    this.#round += 1;
    this.#stopped = false;
    this.#tasks = this.#workloads.flatMap((workload) =>
      Array.from({ length: workload.clients }, (_, n) =>
        this.#run(workload, this.#client(`${workload.kind}${this.#round}${"abcdefgh"[n]}`)),
      ),
    );
  }

  /** Ends all clients, each after its call: only then a history is whole, with no call under way that somebody has seen. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
  }

  async readAll(): Promise<void> {
    const client = ({ kind }: Workload): Client => this.#client(`${kind}${this.#round}reader`);
    await Promise.all(this.#workloads.map((workload) => workload.readAll(client(workload))));
  }

  end(): void {
    for (const caller of this.#callers) caller.end();
  }

  /** What clients met on the way to their answers, by code. */
  setbacks(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const { setbacks } of this.#callers)
      for (const [code, times] of setbacks) all.set(code, (all.get(code) ?? 0) + times);
    return all;
  }

  async #run(workload: Workload, client: Client): Promise<void> {
    while (!this.#stopped && !this.#options.recorder.full) {
      await workload.step(client);
      await new Promise((resolve) => setTimeout(resolve, client.dice.between(0, MOST_THOUGHT_MS)));
    }
  }

  #client(name: string): Client {
    const { proxies, seed, recorder } = this.#options;
    const home = this.#callers.length;
    const caller = new Caller({ proxies, home });
    this.#callers.push(caller);
    return new Client(name, { caller, dice: new Dice(seed * 1000 + home), recorder });
  }
}
