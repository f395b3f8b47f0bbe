/**
 * Clients that write without a pause and remember every word they were given, also the refusals: each word is a claim that
 * is checked at the end. A write is a document of its own, created only if absent, so that a second effect would show.
 */
import { Agent, request, type IncomingMessage } from "node:http";

export interface ClientsOptions {
  /** Asked before each request: where to send it. */
  readonly url: () => string;
  readonly clients: number;
  readonly space: string;
  /** Characters in each document. */
  readonly size?: number;
  /** How long each client rests after an answer; 0 if absent. */
  readonly restMs?: number;
}

export interface Acknowledged {
  readonly id: string;
  readonly lsn: number;
}

/** A definite word that nothing was written, by the code of the answer. */
export interface Refused {
  readonly id: string;
  readonly code: string;
}

interface Answer {
  readonly status: number;
  readonly lsn: number;
  readonly code: string;
}

const REFUSALS: ReadonlySet<string> = new Set([
  "HS_VAULT_FULL",
  "HS_VAULT_UNWRITABLE",
  "HS_VAULT_IO",
  "HS_NOT_APPLIED",
  "HS_NOT_PRIMARY",
  "HS_PARKED_TOO_LONG",
  "HS_PARK_FULL",
  "HS_WRITE_OVERLOAD",
]);
const UNKNOWNS: ReadonlySet<string> = new Set(["HS_OUTCOME_UNKNOWN", "HS_REQUEST_POISON"]);
/** After a refusal: a client that asks again at once only makes heat. */
const REST_MS = 20;

export class Clients {
  readonly acknowledged: Acknowledged[] = [];
  readonly refused: Refused[] = [];
  /** Ids of writes that may have happened or not: their answer said so, or never came. */
  readonly unknown: string[] = [];
  /** Answers that none of this explains. */
  readonly unexpected: string[] = [];
  readonly #options: ClientsOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #tasks: Promise<void>[];
  #stopped = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#tasks = Array.from({ length: options.clients }, (_, client) => this.#writeOn(client));
  }

  /** Codes of the refusals so far, each once. */
  get refusals(): readonly string[] {
    return [...new Set(this.refused.map(({ code }) => code))].sort();
  }

  /** Resolves when the last request has its answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
    this.#agent.destroy();
  }

  async #writeOn(client: number): Promise<void> {
    const { restMs = 0 } = this.#options;
    for (let n = 1; !this.#stopped; n += 1) {
      await this.#write(`c${client}-${n}`);
      if (restMs > 0) await rest(restMs);
    }
  }

  async #write(id: string): Promise<void> {
    const answer = await this.#send(id).catch((error: unknown) => ({ status: 0, lsn: 0, code: String(error) }));
    if (answer.status === 201) {
      this.acknowledged.push({ id, lsn: answer.lsn });
      return;
    }
    if (answer.status === 0 || UNKNOWNS.has(answer.code)) this.unknown.push(id);
    else if (REFUSALS.has(answer.code)) this.refused.push({ id, code: answer.code });
    else this.unexpected.push(`${id}: ${answer.status} ${answer.code}`);
    await rest(REST_MS);
  }

  #send(id: string): Promise<Answer> {
    const { url, space, size = 64 } = this.#options;
    const body = JSON.stringify({ id, at: "x".repeat(size) });
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "if-none-match": "*",
    };
    return new Promise((resolve, reject) => {
      const target = `${url()}/spaces/${space}/documents/${id}`;
      const sent = request(target, { method: "PUT", agent: this.#agent, headers }, (answer) => {
        readAnswer(answer).then(resolve, reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }
}

const rest = (restMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, restMs));

async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  const lsn = Number(answer.headers["hotspare-lsn"] ?? 0);
  return { status: answer.statusCode ?? 0, lsn, code: codeOf(text) };
}

function codeOf(text: string): string {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? "";
  } catch {
    return text.slice(0, 80);
  }
}
