/**
 * One HTTP request to another node and its whole answer, bounded in time and bytes. How it failed is a result, never a
 * throw. A connection ends with the exchange unless the agent keeps it.
 */
import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { Address } from "../config/config.ts";
import type { Fields } from "../signature/message-signature.ts";
import { isTlsFailure } from "../tls/tls-failure.ts";
import { connectionFailure, type ConnectionFailureKind } from "./send-failure.ts";

export interface ExchangeRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly address: Address;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** For everything: connecting, sending, the whole answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly agent: Agent;
  readonly clock: Clock;
  /** Told of the connection when it is chosen, and again when the exchange fails on it, or is refused and ends it. */
  readonly connection?: { used(socket: Socket): void; abandoned(socket: Socket): void } | undefined;
}

export type Exchange =
  | { readonly type: "answered"; readonly status: number; readonly fields: Fields; readonly body: Buffer }
  | {
      readonly type: "failed";
      readonly kind: ConnectionFailureKind;
      readonly reason: string;
      /** The connection had served earlier requests: the other side may only have closed it for being idle. */
      readonly connection: "new" | "reused";
    }
  /** Somebody is there, but TLS failed: its certificate is not trusted, or it speaks none. */
  | { readonly type: "untrusted"; readonly reason: string };

export function exchange(options: ExchangeRequest): Promise<Exchange> {
  return new Promise((resolve) => {
    const { method, address, path, headers, body, agent, clock, signal, timeoutMs } = options;
    const request = httpRequest({ host: address.host, port: address.port, method, path, headers, agent });
    const settle = (result: Exchange): void => {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
      if (result.type !== "answered") abandon(request, options.connection);
      resolve(result);
    };
    const fail = (kind: ConnectionFailureKind, reason: string): void =>
      settle({ type: "failed", kind, reason, connection: request.reusedSocket ? "reused" : "new" });
    const onError = (error: Error): void =>
      isTlsFailure(error)
        ? settle({ type: "untrusted", reason: error.message.trim() })
        : fail(connectionFailure(error), error.message);
    const onAbort = (): void => fail("aborted", "the caller gave up");
    const cancelTimer = clock.after(timeoutMs, () => fail("timeout", `no whole answer within ${timeoutMs} ms`));
    request.on("error", onError);
    request.on("socket", (socket) => options.connection?.used(socket));
    request.on("response", (response) => {
      if (endsByRefusal(response)) options.connection?.abandoned(response.socket);
      collect(response, options.maxAnswerBytes, {
        whole: (bytes) =>
          settle({ type: "answered", status: response.statusCode ?? 0, fields: response.headers, body: bytes }),
        tooLarge: () => fail("invalid", `an answer of more than ${options.maxAnswerBytes} bytes`),
        broken: onError,
      });
    });
    if (signal?.aborted) onAbort();
    else start(request, body, signal, onAbort);
  });
}

function start(request: ClientRequest, body: Buffer, signal: AbortSignal | undefined, onAbort: () => void): void {
  signal?.addEventListener("abort", onAbort, { once: true });
  request.end(body);
}

function abandon(request: ClientRequest, connection: ExchangeRequest["connection"]): void {
  if (request.socket !== null) connection?.abandoned(request.socket);
  request.destroy();
}

/**
 * The other side closes the connection because it did not like the request, and says so: no sign that it is gone, above
 * all none for asking at once again.
 */
const endsByRefusal = ({ statusCode, headers }: IncomingMessage): boolean =>
  statusCode !== 200 && headers.connection === "close";

function collect(
  response: IncomingMessage,
  maxBytes: number,
  done: { whole(bytes: Buffer): void; tooLarge(): void; broken(error: Error): void },
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  response.on("data", (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > maxBytes) done.tooLarge();
  });
  response.on("end", () => done.whole(Buffer.concat(chunks)));
  response.on("error", (error) => done.broken(error));
}
