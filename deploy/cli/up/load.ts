/**
 * `up --load`: a few clients that write documents through a proxy, without trying again, and remember what they were
 * told; so that afterwards each acknowledged write can be looked for. Writes go round a fixed number of documents, which
 * bounds memory and disk however long it runs.
 *
 * Fails: a write that ends in an error counts as failed, and goes on; what cannot be read back at the end is thrown.
 */
import { Type, type Static } from "typebox";
import { Check } from "typebox/value";
import { sleep, type Clock } from "../../../shared/clock.ts";
import { formatAddress, type Address } from "../../../shared/config/config.ts";
import { DialingAgent } from "../../../shared/dialing-agent.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { Sockets } from "../../../shared/sockets.ts";
import { exchange, type Exchange } from "../../../shared/wire/http-exchange.ts";

export interface LoadOptions {
  /** Of a proxy. */
  readonly address: Address;
  readonly sockets: Sockets;
  /** Random: tells this run's documents from those of earlier ones. */
  readonly run: string;
  readonly clock: Clock;
}

export interface LoadCounts {
  readonly acknowledged: number;
  readonly failed: number;
  /** Why the last one failed. */
  readonly failure: string | null;
  /** The last time without any acknowledgement that was long enough to be noticed; milliseconds. */
  readonly lastPauseMs: number;
  readonly longestPauseMs: number;
  /** Since the last acknowledgement. */
  readonly quietMs: number;
}

export interface LoadProof {
  /** Acknowledged writes that were read back, or were followed by one that was. */
  readonly verified: number;
  /** Documents whose last acknowledged write is not there. */
  readonly lost: readonly string[];
}

const SPACE = "load";
const CLIENTS = 4;
const DOCUMENTS = 10_000;
const PACE_MS = 10;
/** Longer than a proxy lets a request wait. */
const TIMEOUT_MS = 60_000;
const PAUSE_MS = 50;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

const Page = Type.Object({
  documents: Type.Array(Type.Object({ id: Type.String(), value: Type.Unknown() })),
  next: Type.Union([Type.String(), Type.Null()]),
});
const Value = Type.Object({ run: Type.String(), n: Type.Integer() });

/** What a document's writes were: none after the last try can be there. */
interface Tries {
  acknowledged: number;
  tried: number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #documents = new Map<string, Tries>();
  readonly #stopping = new AbortController();
  readonly #agent: DialingAgent;
  #tasks: readonly Promise<void>[] = [];
  #next = 0;
  #acknowledged = 0;
  #failed = 0;
  #failure: string | null = null;
  #lastPauseMs = 0;
  #longestPauseMs = 0;
  #answeredMs: number;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new DialingAgent(options.sockets, { keepAlive: true });
    this.#answeredMs = options.clock.monotonicMs();
  }

  /** Makes the space that is written to, and begins. @throws {HotspareError} HS_UNREACHABLE if it cannot be made. */
  async start(): Promise<void> {
    await this.#makeSpace();
    this.#answeredMs = this.#options.clock.monotonicMs();
    this.#tasks = Array.from({ length: CLIENTS }, () => this.#write());
  }

  get counts(): LoadCounts {
    return {
      acknowledged: this.#acknowledged,
      failed: this.#failed,
      failure: this.#failure,
      lastPauseMs: Math.round(this.#lastPauseMs),
      longestPauseMs: Math.round(this.#longestPauseMs),
      quietMs: Math.round(this.#options.clock.monotonicMs() - this.#answeredMs),
    };
  }

  /** Resolves when the writes on the way have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the load stops"));
    await Promise.all(this.#tasks);
  }

  /** Looks for every acknowledged write; after `stop`. @throws {HotspareError} HS_UNREACHABLE if it cannot be read. */
  async verify(): Promise<LoadProof> {
    const found = await this.#readAll();
    const written = [...this.#documents].filter(([, { acknowledged }]) => acknowledged >= 0);
    const lost = written.flatMap(([id, { acknowledged, tried }]) => {
      const n = found.get(id) ?? -1;
      return n >= acknowledged && n <= tried ? [] : [id];
    });
    return { verified: this.#acknowledged - lost.length, lost };
  }

  /** After everything else. */
  close(): void {
    this.#agent.destroy();
  }

  async #makeSpace(): Promise<void> {
    try {
      const answer = await this.#ask("PUT", `/spaces/${SPACE}`, { title: "written by hotspare up --load" });
      if (!isGood(answer)) throw new Error(failureOf(answer));
    } catch (error) {
      throw this.#unreachable(reasonOf(error));
    }
  }

  async #write(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#writeOnce();
      await sleep(this.#options.clock, PACE_MS, signal).catch(() => undefined);
    }
  }

  async #writeOnce(): Promise<void> {
    const n = this.#next++;
    const id = `d${String(n % DOCUMENTS).padStart(5, "0")}`;
    const tries = this.#documents.get(id) ?? { acknowledged: -1, tried: -1 };
    this.#documents.set(id, tries);
    tries.tried = n;
    try {
      const answer = await this.#ask("PUT", `/spaces/${SPACE}/documents/${id}`, { run: this.#options.run, n });
      if (!isGood(answer)) return this.#noteFailure(failureOf(answer));
      tries.acknowledged = n;
      this.#noteAnswer();
    } catch (error) {
      this.#noteFailure(reasonOf(error));
    }
  }

  #noteAnswer(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const pauseMs = nowMs - this.#answeredMs;
    this.#answeredMs = nowMs;
    this.#acknowledged += 1;
    if (pauseMs >= PAUSE_MS) this.#lastPauseMs = pauseMs;
    this.#longestPauseMs = Math.max(this.#longestPauseMs, pauseMs);
  }

  #noteFailure(failure: string): void {
    this.#failed += 1;
    this.#failure = failure;
  }

  /** The numbers of this run's documents. */
  async #readAll(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (let after: string | null = ""; after !== null;) {
      const page = await this.#readPage(after);
      for (const { id, value } of page.documents) {
        if (Check(Value, value) && value.run === this.#options.run) found.set(id, value.n);
      }
      after = page.next;
    }
    return found;
  }

  async #readPage(after: string): Promise<Static<typeof Page>> {
    try {
      const path = `/spaces/${SPACE}/documents?limit=1000&after=${encodeURIComponent(after)}`;
      const answer = await this.#ask("GET", path);
      if (!isGood(answer)) throw new Error(failureOf(answer));
      const body: unknown = JSON.parse(answer.body.toString("utf8"));
      if (Check(Page, body)) return body;
      throw new Error("what was read is no page of documents");
    } catch (error) {
      throw this.#unreachable(reasonOf(error));
    }
  }

  /** @throws if there is no answer. */
  async #ask(method: "GET" | "PUT", path: string, value?: unknown): Promise<Answered> {
    const { address, clock } = this.#options;
    const answer = await exchange({
      method,
      address,
      path,
      headers: { host: formatAddress(address), "content-type": "application/json" },
      body: Buffer.from(value === undefined ? "" : JSON.stringify(value)),
      timeoutMs: TIMEOUT_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      agent: this.#agent,
      clock,
    });
    if (answer.type !== "answered") throw new Error(answer.reason);
    return answer;
  }

  #unreachable(reason: string): HotspareError {
    return new HotspareError("HS_UNREACHABLE", {
      what: `the space ${SPACE}`,
      address: formatAddress(this.#options.address),
      reason,
    });
  }
}

type Answered = Extract<Exchange, { readonly type: "answered" }>;

const isGood = ({ status }: Answered): boolean => status >= 200 && status < 300;

/** Status and code of a problem document. */
function failureOf({ status, body }: Answered): string {
  const code = /"code":"([A-Z_]+)"/.exec(body.toString("utf8"))?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
