/** Node's own `fetch`, several at a time over its kept connections. */
import { mistakeOf, roundOf, type Ask, type OrdinaryClient } from "./ordinary-client.ts";

const LOOPS = 4;

export class FetchClient implements OrdinaryClient {
  readonly failures: string[] = [];
  readonly acknowledged = new Set<string>();
  done = 0;
  readonly #url: string;
  readonly #tasks: readonly Promise<void>[];
  #stopped = false;

  constructor(url: string, name: string) {
    this.#url = url;
    this.#tasks = Array.from({ length: LOOPS }, (_, loop) => this.#run(`${name}-${loop}`));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
  }

  async #run(name: string): Promise<void> {
    for (let n = 1; !this.#stopped; n += 1) for (const ask of roundOf(`${name}-${n}`)) await this.#ask(ask);
  }

  async #ask(ask: Ask): Promise<void> {
    const mistake = await this.#send(ask).catch((error: unknown) => `${ask.method} ${ask.target}: ${reasonOf(error)}`);
    if (mistake !== null) return void this.failures.push(mistake);
    this.done += 1;
    if (ask.write !== null) this.acknowledged.add(ask.write);
  }

  async #send(ask: Ask): Promise<string | null> {
    const headers: Record<string, string> = ask.body === null ? {} : { "content-type": "application/octet-stream" };
    const body = ask.body === null ? null : new Uint8Array(ask.body);
    const found = await fetch(`${this.#url}${ask.target}`, { method: ask.method, headers, body });
    return mistakeOf(ask, { status: found.status, answer: Buffer.from(await found.arrayBuffer()) });
  }
}

/** What broke is the cause; the error itself only says that something did. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
