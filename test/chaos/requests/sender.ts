/**
 * One client's connection: a request at a time, kept alive from one to the next, never sent a second time by itself. What
 * is not an answer to its last byte is an error.
 */
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";

export type Method = "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";

export interface SentRequest {
  readonly method: Method;
  readonly path: string;
  readonly body: Buffer | null;
  /** How its body is framed. */
  readonly framing: "length" | "chunks";
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** What the answer's head says of its length; `null` if it is framed otherwise. */
  readonly bytes: number | null;
  /** Of the application, over what it meant to send. */
  readonly digest: string | null;
}

/** Longer than any request may be parked and executed twice. */
const PATIENCE_MS = 90_000;
const CHUNK_BYTES = 48 * 1024;

export class Sender {
  /** How often it had to connect. */
  connections = 0;
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws if the connection breaks, or nothing comes for long. */
  send({ method, path, body, framing }: SentRequest): Promise<Answer> {
    const headers = {
      ...(body === null ? {} : { "content-type": "application/octet-stream" }),
      ...lengthOf(body, framing),
    };
    return new Promise((resolve, reject) => {
      const sent = httpRequest(`${this.#url}${path}`, { method, headers, agent: this.#agent });
      const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
      sent.once("close", () => clearTimeout(timer));
      sent.once("socket", () => (this.connections += sent.reusedSocket ? 0 : 1));
      sent.once("error", reject);
      sent.once("response", (answer) => void readAnswer(answer).then(resolve, reject));
      writeBody(sent, body, framing);
    });
  }

  end(): void {
    this.#agent.destroy();
  }
}

const lengthOf = (body: Buffer | null, framing: SentRequest["framing"]): Record<string, string> =>
  body === null || framing === "chunks" ? {} : { "content-length": String(body.length) };

function writeBody(sent: ClientRequest, body: Buffer | null, framing: SentRequest["framing"]): void {
  if (body === null || framing === "length") return void sent.end(body ?? undefined);
  for (let at = 0; at < body.length; at += CHUNK_BYTES) sent.write(body.subarray(at, at + CHUNK_BYTES));
  sent.end();
}

async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch (error) {
    const come = chunks.reduce((sum, { length }) => sum + length, 0);
    const detail = `after ${come} of ${answer.headers["content-length"] ?? "?"} bytes`;
    throw Object.assign(new Error(detail, { cause: error }), { code: "the answer broke off" });
  }
  const { "content-length": length, "content-digest": digest } = answer.headers;
  return {
    status: answer.statusCode ?? 0,
    body: Buffer.concat(chunks),
    bytes: length === undefined ? null : Number(length),
    digest: typeof digest === "string" ? digest : null,
  };
}
