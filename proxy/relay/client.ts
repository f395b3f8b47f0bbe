/** A client's side of one request: what came, and how it is answered. HTTP/1 connections and HTTP/2 streams have their own. */
import type { Framing } from "../http1/framing.ts";
import type { RequestHead } from "../http1/request-head.ts";
import type { BodySource } from "./body-keeper.ts";
import type { OwnAnswer } from "./problem-answer.ts";

export interface Client extends BodySource {
  readonly head: RequestHead;
  /** The lines that name the client and the host that it asked for: `Host`, `Forwarded`, `X-Forwarded-*`. */
  readonly forwarding: string;
  /** Its address, for people. */
  readonly address: string;
  /** It may send its body now (`100 Continue`). */
  proceed(): void;
  /** An interim answer of the host (`103 Early Hints`). */
  interim(status: number, lines: string): void;
  /** The whole answer at once. */
  answer(head: OutgoingHead, body: readonly Buffer[]): void;
  /** An answer whose body comes by `write` and `end`. */
  begin(head: OutgoingHead): void;
  /** False: no more, until the exchange's `clientDrained` is called. */
  write(chunk: Buffer): boolean;
  /** `trailers`: field lines, only if the client takes them. */
  end(trailers: string): void;
  /** Ends it such that the client sees that the end is missing. */
  breakOff(): void;
  /** An answer of the proxy's own. `lines`: more field lines. */
  answerSelf(answer: OwnAnswer, lines: string): void;
}

export interface OutgoingHead {
  readonly status: number;
  readonly reason: string;
  /** Field lines, without those that frame the body. */
  readonly lines: string;
  readonly framing: Framing;
  /** Told of an answer without body (HEAD, 304). */
  readonly toldBytes: number | null;
}
