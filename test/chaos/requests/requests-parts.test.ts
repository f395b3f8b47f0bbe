/** The parts of the proof that no request fails, without processes: each kind of broken promise is noticed. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Dice } from "../../simulation/dice.ts";
import { judgeEffects } from "./effects.ts";
import { digestOf, filling } from "./filling.ts";
import { BETWEEN_FAULTS, pauseRows, rowOf } from "./pauses.ts";
import { RequestClient } from "./request-client.ts";
import { readCommand } from "./requests-options.ts";
import { requestsText } from "./requests-text.ts";
import { Sender } from "./sender.ts";
import { Tally } from "./tally.ts";
import { violationsOf } from "./verdict.ts";

const GET = { method: "GET", path: "/", body: null, framing: "length" } as const;
const NO_EFFECTS = { lost: [], doubled: [], foreign: [] };

describe("filling", () => {
  test("is the same for the same name, and another for another, from its first byte to its last", () => {
    expect(filling("a", 5000).equals(filling("a", 5000))).toBe(true);
    expect(filling("a", 5000).equals(filling("b", 5000))).toBe(false);
    expect(filling("a", 5_000_000).subarray(-100).equals(filling("b", 5_000_000).subarray(-100))).toBe(false);
    expect(filling("a", 5_000_000)).toHaveLength(5_000_000);
  });
});

describe("effects", () => {
  test("that are missing, doubled or foreign are told apart from those that may be there", () => {
    const times = new Map([
      ["once", 1],
      ["twice", 2],
      ["open", 1],
      ["nobody's", 1],
    ]);
    const told = { acknowledged: new Set(["once", "twice", "gone"]), open: new Set(["open", "open too"]) };
    expect(judgeEffects(times, told)).toEqual({ lost: ["gone"], doubled: ["twice 2 times"], foreign: ["nobody's"] });
  });
});

describe("pauses", () => {
  test("are the longest wait of each fault, and of each time between two", () => {
    const faults = [
      { name: "kill", beganMs: 100, overMs: 200 },
      { name: "pause", beganMs: 300, overMs: 400 },
      { name: "kill", beganMs: 500, overMs: 600 },
    ];
    const spans = [
      { invokedMs: 90, completedMs: 150 },
      { invokedMs: 210, completedMs: 250 },
      { invokedMs: 290, completedMs: 390 },
      { invokedMs: 500, completedMs: 520 },
    ];
    expect(pauseRows(faults, spans)).toEqual([
      { fault: "kill", times: 2, medianMs: 20, p90Ms: 60, p99Ms: 60, mostMs: 60 },
      { fault: "pause", times: 1, medianMs: 100, p90Ms: 100, p99Ms: 100, mostMs: 100 },
      { fault: BETWEEN_FAULTS, times: 2, medianMs: 0, p90Ms: 40, p99Ms: 40, mostMs: 40 },
    ]);
  });

  test("are told by rank", () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(rowOf("kill", hundred)).toMatchObject({ times: 100, medianMs: 50, p90Ms: 90, p99Ms: 99, mostMs: 100 });
  });
});

describe("a client", () => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** What it notices of a server that answers each request so. */
  async function told(listener: RequestListener): Promise<Tally> {
    const tally = new Tally();
    const url = await serve(listener);
    const client = new RequestClient("c", { url, dice: new Dice(1), tally });
    await client.readAll();
    client.sender.end();
    return tally;
  }

  test("takes no answer that breaks off for one, and does not ask again", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.writeHead(200, { "content-length": "1000" });
      response.write("x".repeat(10), () => response.destroy());
    });
    const sender = new Sender(url);
    await expect(sender.send(GET)).rejects.toMatchObject({ code: "the answer broke off", message: /after 10 of 1000/ });
    expect(asked).toBe(1);
    sender.end();
  });

  test("keeps its connection from one request to the next", async () => {
    const sender = new Sender(await serve((_, response) => response.end("x")));
    for (let n = 0; n < 3; n += 1) await sender.send(GET);
    expect(sender.connections).toBe(1);
    sender.end();
  });

  test("notices a status that was not meant", async () => {
    const tally = await told((_, response) => response.writeHead(503).end('{"code":"HS_PARK_FULL"}'));
    expect(tally.failed).toBe(4);
    expect([...tally.kinds]).toEqual([["503 HS_PARK_FULL", 4]]);
    expect(violationsOf(tally, NO_EFFECTS, [])).toEqual([expect.stringContaining("4 requests failed")]);
  });

  test("notices a connection that breaks", async () => {
    const tally = await told((request) => request.socket.destroy());
    expect([...tally.kinds]).toEqual([["ECONNRESET", 4]]);
  });

  test("notices an answer of another content, of another digest, and accounts that do not add up", async () => {
    const answer = (text: string, digest = digestOf(Buffer.from(text))): RequestListener => {
      return ({ url }, response) => {
        response.writeHead(url?.startsWith("/objects") ? 404 : 200, { "content-digest": `sha-256=:${digest}:` });
        response.end(text);
      };
    };
    expect((await told(answer('[{"n":1}]'))).wrong).toEqual([
      ...Array.from({ length: 3 }, () => expect.stringContaining("9 bytes instead of 1024")),
      expect.stringContaining("the accounts' sum is 1"),
    ]);
    server.close();
    expect((await told(answer("[]", "another"))).wrongAnswers).toBe(4);
  });
});

test("a report says what failed, and what it met", () => {
  const report = {
    seed: 571,
    folder: "somewhere",
    seconds: 60,
    clients: 64,
    connections: 64,
    requests: 5,
    methods: { GET: 1, HEAD: 1, PUT: 1, POST: 1, PATCH: 1, DELETE: 0 },
    sentBytes: 1_000_000,
    receivedBytes: 2_000_000,
    acknowledgedWrites: 3,
    faults: 2,
    failovers: 2,
    pauses: [{ fault: "SIGKILL", times: 2, medianMs: 60.4, p90Ms: 310, p99Ms: 310, mostMs: 310 }],
    failed: 0,
    failures: {},
    lost: 0,
    doubled: 0,
    wrongAnswers: 0,
    violations: [],
  };
  expect(requestsText(report)).toMatch(
    /SIGKILL +2 +60 ms +310 ms +310 ms +310 ms\n[^]*0 failed, 0 lost, 0 doubled, 0 short or wrong\n$/,
  );
  expect(
    requestsText({ ...report, failed: 1, failures: { ECONNRESET: 1 }, violations: ["1 requests failed"] }),
  ).toMatch(/1 × ECONNRESET[^]*PROMISES BROKEN, seed 571[^]*1 requests failed\n$/);
});

test("a command line that makes no sense is refused with what is accepted", () => {
  expect(readCommand(["--seconds", "20", "--clients", "8"], 7)).toMatchObject({ seconds: 20, seed: 7, clients: 8 });
  expect(readCommand(["--minutes", "10"], 7)).toMatchObject({ seconds: 600, clients: 64 });
  expect(() => readCommand(["--minutes", "1", "--seconds", "1"], 7)).toThrow("accepted is one of them");
  expect(() => readCommand(["--clients", "many"], 7)).toThrow("--clients: found many");
});
