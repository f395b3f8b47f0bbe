/** A client that can say what no well-behaved one says, and sees every byte of the answer. */
import { connect, type Socket } from "node:net";
import { request, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import type { Address } from "../../../shared/config/config.ts";

/** Sends `text` as it is; resolves to all that came back when the other side closed, or when `until` was seen. */
export function sendRaw({ port, host }: Address, text: string, until = /\r\n\r\n/): Promise<string> {
  return new Promise((resolve) => {
    let seen = "";
    const socket = connect(port, host, () => socket.write(text));
    const end = (): void => {
      socket.destroy();
      resolve(seen);
    };
    socket.setTimeout(10_000, end);
    socket.on("error", end);
    socket.on("close", () => resolve(seen));
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      if (until.test(seen)) end();
    });
  });
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The end of the answer was missing. */
  readonly broken: boolean;
}

export interface Sent {
  readonly answer: Promise<Answered>;
  /** The head of an answer has come. */
  readonly began: () => boolean;
  readonly leave: () => void;
  readonly write: (chunk: string | Buffer) => void;
  readonly end: () => void;
}

/** Opens a request; the body is the caller's to write and end. */
export function open({ port, host }: Address, options: RequestOptions = {}): Sent {
  const client = request({ port, host, agent: false, ...options });
  let began = false;
  const answer = new Promise<Answered>((resolve, reject) => {
    client.on("error", reject);
    client.on("response", (response) => {
      began = true;
      let body = "";
      response.on("error", () => undefined);
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("close", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, broken: !response.complete }),
      );
    });
  });
  answer.catch(() => undefined);
  return {
    answer,
    began: () => began,
    leave: () => client.destroy(),
    write: (chunk) => void client.write(chunk),
    end: () => void client.end(),
  };
}

export function send(address: Address, options: RequestOptions = {}, body?: string | Buffer): Promise<Answered> {
  const sent = open(address, options);
  if (body !== undefined) sent.write(body);
  sent.end();
  return sent.answer;
}

export const codeOf = ({ body }: Answered): string => (JSON.parse(body) as { code: string }).code;

export type { Socket };
