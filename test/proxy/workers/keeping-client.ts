/** A client that sends over one connection again and again, and tells with which worker it is and how it ended. */
import { Agent } from "node:http";
import { send } from "../relay/raw-client.ts";
import type { Carrier } from "./carrier.ts";

export class KeepingClient {
  /** The boot id in the numbers of its requests. */
  readonly worker: string;
  readonly #carrier: Carrier;
  readonly #agent: Agent;
  #answers = 0;
  #failure: string | null = null;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  /** Opens the connection; the route has to lead to `carrier.a`. */
  static async open(carrier: Carrier): Promise<KeepingClient> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await send(carrier.address, { agent });
    return new KeepingClient(carrier, agent, workerOf(carrier.a.received.at(-1)));
  }

  private constructor(carrier: Carrier, agent: Agent, worker: string) {
    this.#carrier = carrier;
    this.#agent = agent;
    this.worker = worker;
  }

  get answers(): number {
    return this.#answers;
  }

  /** Why it got no answer; `null` while it gets them. */
  get failure(): string | null {
    return this.#failure;
  }

  run(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const { status } = await send(this.#carrier.address, { agent: this.#agent });
        if (status !== 200) throw new Error(`it was answered with ${status}`);
        this.#answers += 1;
      }
    } catch (error) {
      this.#failure = (error as Error).message;
    }
  }
}

/** Some with each of two workers, all at work. */
export async function keepingClients(carrier: Carrier): Promise<readonly KeepingClient[]> {
  const clients: KeepingClient[] = [];
  const have = (worker: string): number => clients.filter((client) => client.worker === worker).length;
  while (new Set(clients.map(({ worker }) => worker).filter((worker) => have(worker) >= 2)).size < 2)
    clients.push(await KeepingClient.open(carrier));
  for (const client of clients) client.run();
  return clients;
}

/** Of the requests that the host received, and of each once. */
export const workersSeen = ({ a }: Carrier): ReadonlySet<string> => new Set(a.received.map(workerOf));

const workerOf = (received: { readonly headers: Readonly<Record<string, unknown>> } | undefined): string =>
  String(received?.headers["hotspare-request"]).slice(0, 32);
