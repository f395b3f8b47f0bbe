/**
 * One register, written through the proxy one value after the other and read everywhere at once, through the proxy and
 * from each host directly: a linearizable read that began after a value was acknowledged never shows an older one.
 */
export class Register {
  /** Reads that showed less than what had been acknowledged when they began. */
  readonly stale: string[] = [];
  reads = 0;
  writes = 0;
  readonly #write: string;
  readonly #tasks: Promise<void>[];
  #acknowledged = 0;
  #stopped = false;

  constructor(write: string, read: readonly string[]) {
    this.#write = write;
    this.#tasks = [this.#writeOn(), ...read.map((url) => this.#readOn(url))];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
  }

  async #writeOn(): Promise<void> {
    for (let value = 1; !this.#stopped; value += 1) {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(this.#write, { method: "PUT", body: String(value), headers });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`the write of ${value} ended with ${answer.status}`);
      this.#acknowledged = value;
      this.writes += 1;
    }
  }

  async #readOn(url: string): Promise<void> {
    while (!this.#stopped) {
      const atLeast = this.#acknowledged;
      const value = await read(url);
      if (value !== null) this.reads += 1;
      if (value !== null && value < atLeast)
        this.stale.push(`${url} showed ${value} after ${atLeast} was acknowledged`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** `null` if the host does not answer, or says that it is not the primary. */
async function read(url: string): Promise<number | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const text = await answer.text();
    return answer.status === 200 ? Number(text) : null;
  } catch {
    return null;
  }
}
