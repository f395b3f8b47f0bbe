import { describe, expect, it } from "vitest";
import { answerFields, answerRecord } from "../../../proxy/http2/answer-fields.ts";

describe("the fields of an answer", () => {
  it("are in lower case, without the blanks around them, in the order in which they came", () => {
    expect(answerFields("X-A: 1\r\nx-b:\t2 \r\nX-A:\r\n")).toEqual(["x-a", "1", "x-b", "2", "x-a", ""]);
  });

  it("keep every octet: one of UTF-8 is no blank", () => {
    expect(answerFields("x: \xc3\xa0\r\n")).toEqual(["x", "\xc3\xa0"]);
  });

  it("have none that belongs to a connection", () => {
    const lines = ["Connection: close", "Keep-Alive: x", "Transfer-Encoding: chunked", "Upgrade: x", "TE: x", "X: 1"];
    expect(answerFields(lines.map((line) => `${line}\r\n`).join(""))).toEqual(["x", "1"]);
  });

  it("by name are lists, whatever the name", () => {
    const record = answerRecord("Link: a\r\n__proto__: x\r\nlink: b\r\n");
    expect(Object.entries(record)).toEqual([
      ["link", ["a", "b"]],
      ["__proto__", ["x"]],
    ]);
  });
});
