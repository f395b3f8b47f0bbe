/** Heads as they leave: towards a host with the fields that name the request, towards a client with those of this hop. */
import type { Clock } from "../../shared/clock.ts";
import * as FIELDS from "../../shared/wire/fields.ts";
import type { AnswerHead } from "../http1/answer-head.ts";
import type { Framing } from "../http1/framing.ts";
import type { RequestHead } from "../http1/request-head.ts";
import type { OutgoingHead } from "./client.ts";

export interface RequestParts {
  readonly head: RequestHead;
  /** Lines about the client. */
  readonly forwarding: string;
  /** Lines that name pool, epoch and attempt. */
  readonly naming: string;
  /** As it is sent, which may differ from how it came. */
  readonly framing: Framing;
  readonly pseudonym: string;
}

/** Request line and fields, with the empty line that ends them. */
export function requestHead({ head, forwarding, naming, framing, pseudonym }: RequestParts): string {
  const { method, target, version, maxForwards, takesTrailers, lines } = head;
  let text = `${method} ${target.path} HTTP/1.1\r\n${lines}${forwarding}via: ${version} ${pseudonym}\r\n${naming}`;
  if (maxForwards !== null) text += `max-forwards: ${Math.max(0, maxForwards - 1)}\r\n`;
  if (takesTrailers) text += "te: trailers\r\nconnection: te\r\n";
  return `${text}${framingLine(framing)}\r\n`;
}

export interface Naming {
  readonly pool: string;
  readonly epoch: number;
  readonly requestId: string;
  readonly attempt: number;
  readonly logTimeMs: number;
}

/** The fields by which a host knows the request over all its attempts. */
export const namingLines = ({ pool, epoch, requestId, attempt, logTimeMs }: Naming): string =>
  `${FIELDS.POOL_FIELD}: ${pool}\r\n${FIELDS.EPOCH_FIELD}: ${epoch}\r\n${FIELDS.REQUEST_FIELD}: ${requestId}\r\n${FIELDS.ATTEMPT_FIELD}: ${attempt}\r\n${FIELDS.LOG_TIME_FIELD}: ${Math.floor(logTimeMs)}\r\n`;

export interface AnswerParts {
  readonly head: AnswerHead;
  readonly framing: Framing;
  readonly pseudonym: string;
  /** Of this proxy: how long the request waited. */
  readonly timing: string;
  readonly clock: Clock;
}

/** A host's answer as its client gets it. */
export function outgoingHead({ head, framing, pseudonym, timing, clock }: AnswerParts): OutgoingHead {
  const date = head.hasDate ? "" : `date: ${new Date(clock.wallMs()).toUTCString()}\r\n`;
  return {
    status: head.status,
    reason: head.reason,
    lines: `${head.lines}${date}via: ${head.version} ${pseudonym}\r\n${timing}`,
    framing,
    toldBytes: head.framing.type === "none" ? head.toldBytes : null,
  };
}

/** By RFC 9112, 6: also a body of nothing is told, since some methods mean one. */
export function framingLine(framing: Framing): string {
  switch (framing.type) {
    case "length":
      return `content-length: ${framing.bytes}\r\n`;
    case "chunked":
      return "transfer-encoding: chunked\r\n";
    default:
      return "";
  }
}

/** What `Server-Timing` says of the time in the parking. */
export const parkedLine = (waitedMs: number): string => `server-timing: park;dur=${waitedMs.toFixed(1)}\r\n`;
