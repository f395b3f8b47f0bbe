/**
 * The relay's reader against Node's: what the relay accepts, Node must accept too, and read in the same way. The other way
 * round it need not be: the relay is stricter.
 */
import { METHODS } from "node:http";
import { describe, expect, it } from "vitest";
import { Dice } from "../../simulation/dice.ts";
import { nodeReading } from "./node-reading.ts";
import { randomRequests } from "./random-requests.ts";
import { readRequests, type ReadRequest } from "./read-requests.ts";
import { SMUGGLERS } from "./smuggling-corpus.ts";

const RUNS = 3000;

describe("what the relay accepts", () => {
  const seed = Number(process.env["HOTSPARE_SEED"] ?? Math.floor(Math.random() * 1e9));

  it(`Node reads in the same way, ${RUNS} times, seed ${seed}`, async () => {
    const dice = new Dice(seed);
    let accepted = 0;
    for (let run = 0; run < RUNS; run++) {
      const text = randomRequests(dice);
      const ours = knownToNode(readRequests([text]).requests);
      const node = await nodeReading(text);
      const theirs = node.requests.slice(0, ours.length).map(({ method, url, body }) => [method, url, body]);
      expect(theirs, text).toEqual(asNodeReads(ours));
      for (const [index, request] of ours.entries()) {
        expect(passedLines(node.requests[index]?.rawHeaders ?? [], request), text).toEqual(linesOf(request.head.lines));
      }
      accepted += ours.length;
    }
    // Else it would have shown nothing.
    expect(accepted).toBeGreaterThan(RUNS / 3);
  }, 120_000);

  it("is not less than Node accepts of sound requests", async () => {
    const dice = new Dice(seed);
    for (let run = 0; run < 300; run++) {
      const text = `PUT /${run} HTTP/1.1\r\nHost: a\r\nX-${dice.whole(1, 9)}: ${dice.whole(0, 1e6)}\r\nContent-Length: 2\r\n\r\nok`;
      expect((await nodeReading(text)).requests).toHaveLength(readRequests([text]).requests.length);
    }
  });

  it("holds none of the corpus that Node would read as two requests", async () => {
    for (const { text } of SMUGGLERS) expect(readRequests([text]).requests, text).toHaveLength(0);
  });
});

/** Node reads nothing behind a method that it does not know; the relay passes it on. */
function knownToNode(requests: readonly ReadRequest[]): readonly ReadRequest[] {
  const unknown = requests.findIndex(({ head }) => !METHODS.includes(head.method));
  return unknown < 0 ? requests : requests.slice(0, unknown);
}

/** Node closes behind a request that says so; the target in absolute form stays as it is there. */
function asNodeReads(requests: readonly ReadRequest[]): readonly unknown[] {
  return requests.map(({ head, body }) => [head.method, expect.stringContaining(head.target.path), body]);
}

const linesOf = (lines: string): readonly string[] =>
  lines
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) =>
      [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).replace(/^[ \t]+|[ \t]+$/g, "")].join(": "),
    );

/** Of all that Node read, what the relay passes on, in the same order. */
function passedLines(rawHeaders: readonly string[], { head }: ReadRequest): readonly string[] {
  const names = new Set(linesOf(head.lines).map((line) => line.slice(0, line.indexOf(":"))));
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );
  return pairs.filter(([name]) => names.has(name)).map(([name, value]) => `${name}: ${value}`);
}
