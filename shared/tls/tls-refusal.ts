/**
 * What is answered, in HTTP and before any of its own was read, to a connection that is refused for the sake of TLS: a
 * problem document that also is a refused message, so that a node that asks learns the reason and does not take silence
 * for death. It says that nothing was executed.
 */
import { performServerHandshake } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { HotspareError } from "../errors.ts";
import { OUTCOME_FIELD, type Outcome } from "../wire/fields.ts";
import { problemOf, PROBLEM_TYPE } from "../wire/problem.ts";

const NOT_HERE: Outcome = "not-primary";

/** Whoever answers has not said who it is: what a stranger learns here is the reason alone. */
const NOBODY = "";

/** Answers in the version that was agreed on; the rest of the connection is the caller's. */
export function refuseTls(socket: Socket, reason: string): void {
  const refusal = tlsRefusal(reason);
  if ((socket as Partial<TLSSocket>).alpnProtocol === "h2") return answerRequests(socket, refusal);
  // Read to its end: a reset over unread bytes would take the answer from the client.
  socket.resume();
  const lines = Object.entries(refusal.fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${refusal.status} Forbidden\r\nconnection: close\r\n${lines.join("")}\r\n${refusal.body}`);
}

interface TlsRefusal {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

function tlsRefusal(reason: string): TlsRefusal {
  const error = new HotspareError("HS_TLS_REFUSED", { reason });
  const { code, message, details, status } = error;
  const body = JSON.stringify({ ...problemOf(error), from: NOBODY, error: { code, message, details } });
  const fields = {
    "cache-control": "no-store",
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    [OUTCOME_FIELD]: NOT_HERE,
  };
  return { status, fields, body };
}

/** In HTTP/2 an answer belongs to a request: the first one gets it, and is the last. */
function answerRequests(socket: Socket, { status, fields, body }: TlsRefusal): void {
  const session = performServerHandshake(socket, { settings: { maxConcurrentStreams: 1 } });
  session.on("error", ignore);
  session.on("stream", (stream) => {
    stream.on("error", ignore);
    if (stream.destroyed) return;
    stream.respond({ ...fields, ":status": status });
    stream.end(body);
    session.close();
  });
}

function ignore(): void {}
