/** How Node's own parser reads the same octets. */
import { createServer, type IncomingMessage } from "node:http";
import { duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";

export interface NodeRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface NodeReading {
  readonly requests: readonly NodeRequest[];
  readonly refused: boolean;
}

/** Turns of the event loop without anything new after which everything was read: there is no network in between. */
const QUIET_TURNS = 6;
const UNREAD = "(not read)";

export async function nodeReading(text: string): Promise<NodeReading> {
  const requests: NodeRequest[] = [];
  let refused = false;
  let read = 0;
  const server = createServer((request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    const index = requests.push({ method, url, rawHeaders, body: UNREAD }) - 1;
    void bodyOf(request).then((body) => {
      requests[index] = { method, url, rawHeaders, body };
      read += 1;
      response.end();
    });
  });
  const [client, connection] = duplexPair();
  // What was read before goes on.
  server.on("clientError", () => (refused = true));
  for (const end of [client, connection]) end.on("error", () => undefined);
  client.resume();
  server.emit("connection", connection);
  client.write(Buffer.from(text, "latin1"));
  for (let quiet = 0, seen = 0; quiet < QUIET_TURNS; quiet++) {
    await setImmediate();
    if (read > seen) quiet = 0;
    seen = read;
  }
  const complete = requests.filter(({ body }) => body !== UNREAD);
  client.destroy();
  connection.destroy();
  return { requests: complete, refused };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  request.setEncoding("latin1");
  try {
    for await (const chunk of request) body += chunk as string;
  } catch {
    return "(broken)";
  }
  return body;
}
