/** Requests over simulated sockets, as a client makes them: what became of each is a result, never a throw. */
import { request, type IncomingHttpHeaders } from "node:http";
import type { Address } from "../../shared/config/config.ts";
import type { DialingAgent } from "../../shared/dialing-agent.ts";

export interface SimRequest {
  readonly agent: DialingAgent;
  readonly address: Address;
  readonly path?: string;
  /** Default: POST. */
  readonly method?: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type SimAnswer =
  | { readonly type: "answered"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly type: "failed"; readonly code: string; readonly received: number };

export function ask({
  agent,
  address,
  path = "/",
  method = "POST",
  body = "",
  headers = {},
}: SimRequest): Promise<SimAnswer> {
  return new Promise((resolve) => {
    let received = 0;
    const fail = (error: Error & { code?: string }): void =>
      resolve({ type: "failed", code: error.code ?? error.message, received });
    const sending = request({ ...address, agent, path, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        received += chunk.length;
      });
      answer.on("error", fail);
      answer.on("end", () => {
        const { statusCode: status = 0, headers: fields } = answer;
        resolve({ type: "answered", status, headers: fields, body: Buffer.concat(chunks) });
      });
    });
    sending.on("error", fail);
    sending.end(body);
  });
}
