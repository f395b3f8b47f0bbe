/** Octets, cut as they are given, read as the relay reads them. */
import { HttpRefusal } from "../../../proxy/http1/http-refusal.ts";
import type { RequestHead } from "../../../proxy/http1/request-head.ts";
import { RequestReader } from "../../../proxy/http1/request-reader.ts";

export interface ReadRequest {
  readonly head: RequestHead;
  readonly body: string;
  readonly trailers: string;
}

export interface Reading {
  readonly requests: readonly ReadRequest[];
  /** Why it stopped. */
  readonly refused: { readonly status: number; readonly reason: string } | null;
  /** What it waits for. */
  readonly state: RequestReader["state"];
}

export function readRequests(pieces: readonly (string | Buffer)[]): Reading {
  const requests: ReadRequest[] = [];
  let head: RequestHead | null = null;
  let body: Buffer[] = [];
  const reader = new RequestReader(
    { isTrusted: false },
    {
      headCame: (came) => {
        head = came;
        body = [];
      },
      bodyCame: (chunk) => void body.push(Buffer.from(chunk)),
      bodyEnded: (trailers) => {
        if (head !== null) requests.push({ head, body: Buffer.concat(body).toString("latin1"), trailers });
      },
    },
  );
  const end = (refused: Reading["refused"]): Reading => ({ requests, refused, state: reader.state });
  try {
    for (const piece of pieces) {
      reader.read(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
      while (reader.state === "done" && reader.aheadBytes > 0 && keeps(requests)) reader.next();
    }
    if (keeps(requests)) reader.next();
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    return end({ status: error.status, reason: error.message });
  }
  return end(null);
}

/** Behind a request that says so the relay closes. */
const keeps = (requests: readonly ReadRequest[]): boolean => requests.at(-1)?.head.keepsAlive !== false;

export const octetByOctet = (text: string): readonly string[] => text.split("");
