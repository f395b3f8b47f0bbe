import { describe, expect, it } from "vitest";
import { parseAnswerHead } from "../../../proxy/http1/answer-head.ts";

const read = (lines: string, method = "GET", status = "200 OK") =>
  parseAnswerHead(`HTTP/1.1 ${status}\r\n${lines}`, method);

describe("the head of a host's answer", () => {
  it.each([
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n"],
    ["both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"],
    ["another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n"],
    ["a folded field", "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\nX: 1\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n"],
    ["a status that is no number", "HTTP/1.1 2x0 OK\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n"],
    ["no space behind the status", "HTTP/1.1 200\r\n"],
    ["a control character in the reason", "HTTP/1.1 200 O\0K\r\n"],
    ["a field that would be two for the client", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n"],
  ])("with %s is not passed on", (_, text) => {
    expect(() => parseAnswerHead(text, "GET")).toThrow(expect.objectContaining({ status: 502 }));
  });

  it.each([
    ["GET", "200 OK", "Content-Length: 5\r\n", { type: "length", bytes: 5 }, 5],
    ["GET", "200 OK", "Transfer-Encoding: chunked\r\n", { type: "chunked" }, null],
    ["GET", "200 OK", "", { type: "close" }, null],
    ["HEAD", "200 OK", "Content-Length: 5\r\n", { type: "none" }, 5],
    ["HEAD", "200 OK", "Transfer-Encoding: chunked\r\n", { type: "none" }, null],
    ["GET", "304 Not Modified", "Content-Length: 5\r\n", { type: "none" }, 5],
    ["GET", "204 No Content", "", { type: "none" }, null],
    ["GET", "103 Early Hints", "", { type: "none" }, null],
  ])("to %s, %s, with %j has a body of %j", (method, status, lines, framing, toldBytes) => {
    expect(read(lines, method, status)).toMatchObject({ framing, toldBytes });
  });

  it("keeps what is the client's, and loses what is this hop's or the host's own", () => {
    const head = read(
      "Set-Cookie: a\r\nHotspare-Lsn: 5\r\nHotspare-Owner: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\nSet-Cookie: b\r\nKeep-Alive: timeout=5\r\n",
    );
    expect(head.lines).toBe("Set-Cookie: a\r\nHotspare-Lsn: 5\r\nSet-Cookie: b\r\n");
  });

  it.each([
    ["Hotspare-Outcome: not-primary\r\n", "not-primary"],
    ["Hotspare-Outcome: not-applied\r\n", "not-applied"],
    ["Hotspare-Outcome: whatever\r\n", null],
    ["", null],
  ])("with %j says of the outcome: %s", (lines, outcome) => {
    expect(read(lines).outcome).toBe(outcome);
  });
});
