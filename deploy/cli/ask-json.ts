/** One question to a node's unsigned interfaces, with TLS where the configuration says so. Never hangs, never throws. */
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";
import type { Clock } from "../../shared/clock.ts";
import { formatAddress, type Address } from "../../shared/config/config.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import type { Sockets } from "../../shared/sockets.ts";
import { exchange } from "../../shared/wire/http-exchange.ts";

export interface Question {
  readonly address: Address;
  readonly path: string;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export type JsonAnswer<T extends TSchema> =
  | { readonly body: Static<T>; readonly status: number }
  /** `answered`: somebody did, who is not what was looked for. */
  | { readonly body: null; readonly reason: string; readonly answered: boolean };

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const NO_NODE = "what answers there is no node of this cluster";

/** Believes the answer only if it has the shape of `schema`. */
export async function askJson<T extends TSchema>(question: Question, schema: T): Promise<JsonAnswer<T>> {
  const { address, sockets } = question;
  const agent = new DialingAgent(sockets, { keepAlive: false });
  const headers = { host: formatAddress(address), accept: "application/json" };
  const body = Buffer.alloc(0);
  const answer = await exchange({
    ...question,
    method: "GET",
    headers,
    body,
    agent,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  });
  agent.destroy();
  if (answer.type !== "answered") return { body: null, reason: answer.reason, answered: false };
  const found = parse(answer.body);
  return Check(schema, found)
    ? { body: found, status: answer.status }
    : { body: null, reason: NO_NODE, answered: true };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
