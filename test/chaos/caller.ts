/**
 * One client's way to the cluster: a request goes to its proxy, and under the same key to the next one when that one is gone,
 * silent, or says that it may be tried again. Only when nobody answers for long is its outcome unknown.
 */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";

export interface CallRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly lsn: number | null;
  readonly etag: string | null;
  readonly code: string;
  readonly text: string;
}

export interface CallerOptions {
  /** The public addresses of all proxies. */
  readonly proxies: readonly string[];
  /** Which of them it asks first. */
  readonly home: number;
  /** How long one attempt waits for its answer: a proxy that is stopped accepts connections and says nothing. */
  readonly attemptMs?: number;
  /** How long it goes on with one call. */
  readonly patienceMs?: number;
}

const BETWEEN_MS = 20;
const ATTEMPT_MS = 3000;
const PATIENCE_MS = 90_000;

export class Caller {
  /** What attempts met that were not the last of their call, by code. */
  readonly setbacks = new Map<string, number>();
  readonly #options: CallerOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #at: number;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#at = options.home;
  }

  /** @param key says that it is one call however often it is sent. @returns `null`: nobody knows what became of it. */
  async call(request: CallRequest, key: string): Promise<Reply | null> {
    const deadlineMs = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS);
    for (;;) {
      const reply = await this.#attempt(request, key).catch((error: unknown) => nameOf(error));
      if (typeof reply !== "string" && !mayRetry(reply)) return reply;
      const code = typeof reply === "string" ? reply : reply.code;
      this.setbacks.set(code, (this.setbacks.get(code) ?? 0) + 1);
      if (performance.now() > deadlineMs) return null;
      this.#at += 1;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }

  end(): void {
    this.#agent.destroy();
  }

  #attempt({ method, path, body = "", fields = {} }: CallRequest, key: string): Promise<Reply> {
    const { proxies, attemptMs = ATTEMPT_MS } = this.#options;
    const headers = {
      ...fields,
      ...(method === "GET"
        ? {}
        : {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(body)),
            "idempotency-key": key,
          }),
    };
    return new Promise((resolve, reject) => {
      const sent = httpRequest(`${proxies[this.#at % proxies.length]}${path}`, { method, headers, agent: this.#agent });
      const timer = setTimeout(() => sent.destroy(new Error("silent")), attemptMs);
      sent.once("close", () => clearTimeout(timer));
      sent.once("error", reject);
      sent.once("response", (answer) => void readReply(answer).then(resolve, reject));
      sent.end(method === "GET" ? undefined : body);
    });
  }
}

/** What says itself that it may pass. With a key an unknown outcome may be asked for again; a poisonous request may not do harm twice. */
function mayRetry({ status, code }: Reply): boolean {
  return status === 503 || status === 507 || code === "HS_OUTCOME_UNKNOWN" || code === "HS_REQUEST_POISON";
}

async function readReply(answer: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const lsn = answer.headers["hotspare-lsn"];
  return {
    status: answer.statusCode ?? 0,
    lsn: lsn === undefined ? null : Number(lsn),
    etag: answer.headers.etag ?? null,
    code: (answer.statusCode ?? 0) >= 400 ? codeOf(text) : "",
    text,
  };
}

function codeOf(text: string): string {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? "no code";
  } catch {
    return "no problem";
  }
}

function nameOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
