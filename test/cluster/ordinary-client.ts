/**
 * What every ordinary client of a test does, each in its own way, again and again: a document is put, an amount moved, the
 * document read and removed, with bodies and answers that are compared. The application is that of `chaos/requests`.
 */
import { digestOf, filling } from "../chaos/requests/filling.ts";

export interface OrdinaryClient {
  /** Requests that ended as they should. */
  readonly done: number;
  /** All others, for people. */
  readonly failures: readonly string[];
  /** The names of the writes that were acknowledged. */
  readonly acknowledged: ReadonlySet<string>;
  /** Ends it after what is under way. */
  stop(): Promise<void>;
}

export interface Ask {
  readonly method: "PUT" | "POST" | "GET" | "DELETE";
  /** Path and query. */
  readonly target: string;
  readonly body: Buffer | null;
  readonly status: number;
  readonly answer: Buffer;
  /** The name of the write, if it is one. */
  readonly write: string | null;
}

export interface Told {
  readonly status: number;
  readonly answer: Buffer;
}

/** Larger than what curl sends without asking first. */
const LARGE_BYTES = 1_500_000;
const SMALL_BYTES = 3000;

/** The four requests of one round. @param name unlike that of any other round. */
export function roundOf(name: string): readonly Ask[] {
  const bytes = name.endsWith("0") ? LARGE_BYTES : SMALL_BYTES;
  const [document, none] = [filling(name, bytes), Buffer.alloc(0)];
  const ask = (method: Ask["method"], target: string, more: Partial<Ask>): Ask => ({
    method,
    target,
    body: null,
    status: 200,
    answer: none,
    write: null,
    ...more,
  });
  const write = (step: string, answerBytes: number): Pick<Ask, "write" | "status" | "answer"> => ({
    write: `${name}.${step}`,
    status: answerBytes === 0 ? 204 : 200,
    answer: answerBytes === 0 ? none : filling(`answer ${name}.${step}`, answerBytes),
  });
  return [
    ask("PUT", `/objects/${name}?write=${name}.put&answer=0`, { body: document, ...write("put", 0) }),
    ask("POST", `/transfers?from=a&to=b&amount=1&write=${name}.move&answer=5000`, {
      body: filling("padding", SMALL_BYTES),
      ...write("move", 5000),
    }),
    ask("GET", `/objects/${name}`, { answer: document }),
    ask("DELETE", `/objects/${name}?write=${name}.remove&answer=0`, write("remove", 0)),
  ];
}

/** What is wrong with what was told, if anything is. */
export function mistakeOf({ method, target, status, answer }: Ask, told: Told): string | null {
  if (told.status !== status) return `${method} ${target}: ${told.status} ${told.answer.toString("utf8", 0, 200)}`;
  if (told.answer.equals(answer)) return null;
  const found = `${told.answer.length} bytes, ${digestOf(told.answer)}`;
  return `${method} ${target}: ${found} instead of ${answer.length} bytes, ${digestOf(answer)}`;
}
