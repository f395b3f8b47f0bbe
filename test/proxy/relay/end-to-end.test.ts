/** What the host saw is what was sent, and what came back is what it said: by chance, over real sockets, cut anywhere. */
import { connect } from "node:net";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Dice } from "../../simulation/dice.ts";
import { startPlane, type Plane } from "./plane.ts";

const RUNS = 300;

let plane: Plane;
beforeEach(async () => {
  plane = await startPlane();
  plane.routeTo(plane.a, 1);
});
afterEach(() => plane.stop());

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

describe("requests by chance", () => {
  const seed = Number(process.env["HOTSPARE_SEED"] ?? Math.floor(Math.random() * 1e9));

  it(`arrive as they were sent, and so do their answers: seed ${seed}`, async () => {
    const dice = new Dice(seed);
    plane.a.script = ({ url, body }, response) => {
      const answer = answerTo(url, body);
      if (dice.chance(0.5)) response.setHeader("Content-Length", answer.length);
      response.write(answer.slice(0, 10));
      response.end(answer.slice(10));
    };
    for (let run = 0; run < RUNS; run++) {
      const requests = Array.from({ length: dice.whole(1, 4) }, (_, index) => randomSent(dice, `/${run}/${index}`));
      plane.a.received.length = 0;
      const seen = await exchange(requests.map((sent) => textOf(sent, dice)).join(""), requests.length, dice);
      const received = plane.a.received.map(({ method, url, rawHeaders, body }) => [
        method,
        url,
        body,
        own(rawHeaders),
      ]);
      expect(received).toEqual(requests.map(({ method, path, fields, body }) => [method, path, body, fields]));
      expect(bodiesOf(seen)).toEqual(requests.map(({ path, body }) => answerTo(path, body)));
    }
  }, 60_000);
});

/** Small, and large enough to be streamed. */
function answerTo(path: string, body: string): string {
  const digest = createHash("sha256").update(path).update(body).digest("hex");
  return digest.repeat((Number.parseInt(digest.slice(0, 2), 16) % 4) * 400 + 1);
}

function randomSent(dice: Dice, prefix: string): Sent {
  const method = dice.pick(["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]);
  const body = dice.pick([
    "",
    "x",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "0\r\n\r\n",
    "y".repeat(dice.whole(1, 100_000)),
  ]);
  const fields = Array.from({ length: dice.whole(0, 20) }, (_, index) => {
    const value = dice.pick(["1", "a, b", '"q"', "x".repeat(dice.whole(1, 300)), "\xe9", "a\tb"]);
    return [`X-${dice.pick(["One", "two", "THREE"])}-${index}`, value] as const;
  });
  return { method, path: `${prefix}${dice.pick(["", "?a=b", "/../x", "/%0d%0a", "?"])}`, fields, body };
}

function textOf({ method, path, fields, body }: Sent, dice: Dice): string {
  const isChunked = body !== "" && dice.chance(0.5);
  const framing = isChunked
    ? "Transfer-Encoding: chunked\r\n"
    : body === ""
      ? ""
      : `Content-Length: ${body.length}\r\n`;
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}${framing}\r\n${isChunked ? chunks(body, dice) : body}`;
}

function chunks(body: string, dice: Dice): string {
  let text = "";
  for (let at = 0; at < body.length;) {
    const size = dice.whole(1, body.length - at);
    text += `${size.toString(16)}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${text}0\r\n\r\n`;
}

const own = (rawHeaders: readonly string[]): readonly (readonly [string, string])[] =>
  rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && /^x-(?:one|two|three)-/i.test(name) ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );

/** Sends `text` in pieces of any size; all that came back by the time that the last answer was complete. */
function exchange(text: string, count: number, dice: Dice): Promise<string> {
  const bytes = Buffer.from(text, "latin1");
  return new Promise((resolve, reject) => {
    let seen = "";
    const socket = connect(plane.address.port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      if (bodiesOf(seen).length < count) return;
      socket.destroy();
      resolve(seen);
    });
    void (async () => {
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, at + dice.pick([1, 10, 1000, 50_000, bytes.length]));
        socket.write(bytes.subarray(at, end));
        at = end;
        if (dice.chance(0.3)) await new Promise(setImmediate);
      }
    })();
  });
}

/** The bodies of the answers that are complete in `seen`. */
function bodiesOf(seen: string): readonly string[] {
  const bodies: string[] = [];
  for (let at = 0; ;) {
    const end = seen.indexOf("\r\n\r\n", at);
    if (end < 0) return bodies;
    const head = seen.slice(at, end);
    const read = /transfer-encoding: chunked/i.test(head) ? unchunked(seen, end + 4) : plain(seen, end + 4, head);
    if (read === null) return bodies;
    bodies.push(read.body);
    at = read.end;
  }
}

interface Body {
  readonly body: string;
  readonly end: number;
}

function plain(seen: string, at: number, head: string): Body | null {
  const end = at + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return end > seen.length ? null : { body: seen.slice(at, end), end };
}

function unchunked(seen: string, from: number): Body | null {
  let body = "";
  for (let at = from; ;) {
    const line = seen.indexOf("\r\n", at);
    const size = line < 0 ? Number.NaN : Number.parseInt(seen.slice(at, line), 16);
    const end = line + 2 + size + 2;
    if (Number.isNaN(size) || end > seen.length) return null;
    body += seen.slice(line + 2, line + 2 + size);
    if (size === 0) return { body, end };
    at = end;
  }
}
