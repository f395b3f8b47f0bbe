/** A client of HTTP/2 for tests: a session, and what comes of each request on it. */
import { readFileSync } from "node:fs";
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Address } from "../../../shared/config/config.ts";

export interface H2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** The code that the stream was reset with; 0 if it ended in order. */
  readonly code: number;
  /** Interim answers. */
  readonly interim: readonly IncomingHttpHeaders[];
}

export interface H2Sent {
  readonly stream: ClientHttp2Stream;
  readonly answer: Promise<H2Answer>;
  /** The head of an answer has come. */
  readonly began: () => boolean;
}

export type H2Head = Readonly<Record<string, string | readonly string[]>>;

export function openSession({ host, port }: Address, ca: string): ClientHttp2Session {
  const session = connect(`https://${host}:${port}`, { ca: readFileSync(ca) });
  session.on("error", () => undefined);
  return session;
}

/** Opens a request; the body is the caller's to write and end. */
export function openH2(session: ClientHttp2Session, head: H2Head = {}, endStream = false): H2Sent {
  const stream = session.request({ ":path": "/", ...head }, { endStream });
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let body = "";
  const interim: IncomingHttpHeaders[] = [];
  stream.on("headers", (fields) => interim.push(fields));
  stream.on("response", (fields) => {
    status = fields[":status"] ?? 0;
    headers = fields;
  });
  stream.on("data", (chunk: Buffer) => (body += chunk.toString("latin1")));
  stream.on("trailers", (fields) => (trailers = fields));
  stream.on("error", () => undefined);
  const answer = new Promise<H2Answer>((resolve) => {
    stream.on("close", () => resolve({ status, headers, body, trailers, code: stream.rstCode, interim }));
  });
  return { stream, answer, began: () => status !== 0 };
}

export function askH2(session: ClientHttp2Session, head: H2Head = {}, body?: string | Buffer): Promise<H2Answer> {
  const sent = openH2(session, head, body === undefined);
  if (body !== undefined) sent.stream.end(body);
  return sent.answer;
}
