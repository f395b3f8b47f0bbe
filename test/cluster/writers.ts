/**
 * Clients that write without a pause and remember every word they were given, so that afterwards it can be checked that
 * all of it is true: each acknowledged write there once, each definite refusal not there.
 */
import { Agent, request } from "node:http";
import { askByName } from "./named-request.ts";

export interface Acknowledged {
  readonly id: string;
  readonly lsn: number;
  readonly atMs: number;
}

/** A write that was not acknowledged and is not sent again. */
export interface Failure {
  readonly id: string;
  readonly url: string;
  /** `null`: there was no answer, the connection broke. */
  readonly status: number | null;
  readonly reason: string;
}

export interface WritersOptions {
  /** Called before each request: where to send it. */
  readonly url: () => string;
  readonly clients: number;
  readonly space: string;
  /** What clients of a bare host must do themselves: send again, under the same key, what was not answered. */
  readonly retry?: boolean;
  /** What a client with a list of proxies does: where it could not even connect it asks `url` for the next place. */
  readonly roams?: boolean;
  /** The `Host` of their requests, where pools have names. */
  readonly host?: string;
  /** Between two writes of one client; none by default. */
  readonly restMs?: number;
}

interface Answered {
  readonly status: number;
  readonly lsn: number;
  readonly code: string;
}

/** Each write adds 1 to a counter document of its client by a transaction that also creates a document of its own. */
export class Writers {
  readonly acknowledged: Acknowledged[] = [];
  readonly failures: Failure[] = [];
  /** Longest time between two acknowledgements of any client, in milliseconds. */
  longestPauseMs = 0;
  readonly #options: WritersOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #tasks: Promise<void>[];
  #stopped = false;
  #lastMs = performance.now();

  constructor(options: WritersOptions) {
    this.#options = options;
    this.#tasks = Array.from({ length: options.clients }, (_, client) => this.#write(client));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
    this.#agent.destroy();
  }

  /** When the first acknowledgement came after the longest silence that began at or after `sinceMs`. */
  firstAfterPauseMs(sinceMs: number): number {
    const times = [sinceMs, ...this.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs > sinceMs)];
    let end = times.length - 1;
    for (let at = 1; at < times.length; at += 1) if (gap(times, at) > gap(times, end)) end = at;
    return times[end] ?? sinceMs;
  }

  async #write(client: number): Promise<void> {
    const { restMs = 0 } = this.#options;
    for (let n = 1; !this.#stopped; n += 1) {
      await this.#writeOnce(`c${client}-${n}`);
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  }

  async #writeOnce(id: string): Promise<void> {
    for (;;) {
      const url = this.#options.url();
      try {
        const { status, lsn, code } = await this.#send(url, id);
        if (status === 201) return this.#acknowledge(id, lsn);
        if (!this.#mayRetry(code)) return void this.failures.push({ id, url, status, reason: code });
      } catch (error) {
        if (!this.#mayResend(error)) return void this.failures.push({ id, url, status: null, reason: String(error) });
      }
      if (this.#stopped) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #mayRetry(code: string): boolean {
    return this.#options.retry === true && (code === "HS_NOT_PRIMARY" || code === "HS_NOT_APPLIED");
  }

  /** What was never sent may be sent elsewhere, whatever it is. */
  #mayResend(error: unknown): boolean {
    const { retry = false, roams = false } = this.#options;
    return retry || (roams && (error as NodeJS.ErrnoException).code === "ECONNREFUSED");
  }

  #acknowledge(id: string, lsn: number): void {
    const now = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastMs);
    this.#lastMs = now;
    this.acknowledged.push({ id, lsn, atMs: now });
  }

  #send(url: string, id: string): Promise<Answered> {
    const { space, retry, host } = this.#options;
    const body = JSON.stringify({ id, at: "x".repeat(64) });
    return new Promise((resolve, reject) => {
      const sent = request(
        `${url}/spaces/${space}/documents/${id}`,
        {
          method: "PUT",
          agent: this.#agent,
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            "if-none-match": "*",
            ...(retry ? { "idempotency-key": id } : {}),
            ...(host ? { host } : {}),
          },
        },
        (answer) => {
          let text = "";
          answer.on("data", (chunk) => (text += String(chunk)));
          answer.on("error", reject);
          answer.on("aborted", () => reject(new Error("the answer broke off")));
          answer.on("end", () =>
            resolve({
              status: answer.statusCode ?? 0,
              lsn: Number(answer.headers["hotspare-lsn"] ?? 0),
              code: codeOf(text),
            }),
          );
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }
}

const gap = (times: readonly number[], at: number): number => (times[at] ?? 0) - (times[at - 1] ?? 0);

function codeOf(text: string): string {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? "";
  } catch {
    return text.slice(0, 80);
  }
}

/** Every document id of a space, page by page. */
export async function documentIds(url: string, space: string, host?: string): Promise<string[]> {
  const ids: string[] = [];
  let after = "";
  for (;;) {
    const path = `${url}/spaces/${space}/documents?limit=1000&after=${encodeURIComponent(after)}`;
    const [status, text] = await askByName(path, { host: host ?? new URL(url).host });
    if (status !== 200) throw new Error(`listing ended with ${status}: ${text}`);
    const page = JSON.parse(text) as { documents: { id: string }[]; next?: string | null };
    ids.push(...page.documents.map(({ id }) => id));
    if (!page.next || page.documents.length === 0) return ids;
    after = page.next;
  }
}
