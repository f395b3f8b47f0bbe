import { describe, expect, it } from "vitest";
import { octetByOctet, readRequests } from "./read-requests.ts";
import { SMUGGLERS } from "./smuggling-corpus.ts";

const plain = (text: string) => readRequests([text]).requests[0]!.head;

describe("a request that two readers could read differently", () => {
  it.each(SMUGGLERS)("$name: $status", ({ text, status }) => {
    const { requests, refused } = readRequests([text]);
    expect([requests, refused?.status]).toEqual([[], status]);
  });

  it.each(SMUGGLERS.filter(({ text }) => text.length < 2000))("$name, octet by octet: $status", ({ text, status }) => {
    const { requests, refused } = readRequests(octetByOctet(text));
    expect([requests, refused?.status]).toEqual([[], status]);
  });

  it("is the last one that is read: what comes behind it is nobody's", () => {
    const bad = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n";
    const good = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    expect(readRequests([bad + good, good])).toMatchObject({ requests: [], state: "refused" });
  });
});

describe("requests", () => {
  it("that follow one another at once are each read to their end, whatever their bodies look like", () => {
    const inner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    const text = [
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
      `PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      `POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
      "\r\nDELETE /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    ].join("");
    for (const pieces of [[text], octetByOctet(text)]) {
      const { requests, refused, state } = readRequests(pieces);
      expect(requests.map(({ head, body }) => [head.method, head.target.path, body])).toEqual([
        ["GET", "/1", ""],
        ["PUT", "/2", inner],
        ["POST", "/3", inner],
        ["DELETE", "/4", ""],
      ]);
      expect([refused, state]).toEqual([null, "idle"]);
    }
  });

  it("in chunks lose extensions, and trailers that could deceive", () => {
    const text =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n5;a=b\r\nhello\r\n00A\r\n, chunked!\r\n000\r\nX-Sum: 1\r\nAuthorization: 9\r\nHotspare-Epoch: 9\r\n\r\n";
    const [request] = readRequests([text]).requests;
    expect(request).toMatchObject({ body: "hello, chunked!", trailers: "X-Sum: 1\r\n" });
  });

  it("of an unknown method pass, with their fields as they came", () => {
    const head = plain("MKCOL /x HTTP/1.1\r\nhOsT: a\r\nX-One:   two \t\r\nx-obs: \xe9\r\nEmpty:\r\n\r\n");
    expect(head).toMatchObject({ method: "MKCOL", lines: "X-One:   two \t\r\nx-obs: \xe9\r\nEmpty:\r\n" });
  });

  it("lose what belongs to one connection, wherever it stands", () => {
    const head = plain(
      "GET / HTTP/1.1\r\nA: 1\r\nSecret: 1\r\nHost: a\r\nKeep-Alive: 5\r\nB: 2\r\nConnection: Secret, close\r\nC: 3\r\n\r\n",
    );
    expect([head.lines, head.keepsAlive]).toEqual(["A: 1\r\nB: 2\r\nC: 3\r\n", false]);
  });

  it.each([
    ["1.1", "", true],
    ["1.1", "Connection: close\r\n", false],
    ["1.1", "Connection: keep-alive, CLOSE\r\n", false],
    ["1.0", "", false],
    ["1.0", "Connection: keep-alive\r\n", false],
  ])("HTTP/%s with %j keep their connection: %s", (version, lines, keeps) => {
    expect(plain(`GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`).keepsAlive).toBe(keeps);
  });

  it.each([
    ["Connection: Upgrade\r\nUpgrade: websocket\r\n", true],
    ["Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n", true],
    ["Upgrade: websocket\r\n", false],
    ["Connection: Upgrade\r\nUpgrade: h2c\r\n", false],
    ["Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", false],
  ])("with %j ask for a WebSocket: %s", (lines, upgrades) => {
    expect(plain(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`).upgrades).toBe(upgrades);
  });
});
