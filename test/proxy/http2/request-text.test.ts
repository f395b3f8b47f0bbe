/** What would be more than its part in a head of HTTP/1.1 is refused before it stands in one, whoever has let it pass. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HttpRefusal } from "../../../proxy/http1/http-refusal.ts";
import { parseRequestHead } from "../../../proxy/http1/request-head.ts";
import { requestText, trailerText } from "../../../proxy/http2/request-text.ts";

const GET = [":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/"];
const text = (fields: readonly string[]): string => requestText(fields, { hasBody: false });
const set = (name: string, value: string): string[] =>
  GET.flatMap((part, index) => (index % 2 === 1 ? [] : [part, part === name ? value : (GET[index + 1] ?? "")]));
function statusOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof HttpRefusal) return error.status;
    throw error;
  }
  return 200;
}

describe("the text of a request", () => {
  it("has the host first, the fields as they came, and the pieces of a cookie in one", () => {
    const fields = [...GET, "cookie", "a=1", "x", "1", "host", "A", "cookie", "b=2", "te", "trailers", "x", ""];
    expect(text(fields)).toBe("GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\nte: trailers\r\nx: \r\ncookie: a=1; b=2\r\n");
  });

  it("says that a body without a length is chunked, and nothing more of one with a length", () => {
    expect(requestText(GET, { hasBody: true })).toContain("\r\ntransfer-encoding: chunked\r\n");
    expect(requestText([...GET, "content-length", "5"], { hasBody: true })).not.toContain("transfer-encoding");
    expect(text(GET)).not.toContain("transfer-encoding");
  });

  it.each([
    ["a line end in a value", [...GET, "x", "y\r\nz: 1"]],
    ["LF in a value", [...GET, "x", "y\nz"]],
    ["CR in a value", [...GET, "x", "y\r"]],
    ["NUL in a value", [...GET, "x", "y\0"]],
    ["DEL in a value", [...GET, "x", "y\x7f"]],
    ["more than an octet in a value", [...GET, "x", "\u010a"]],
    ["a blank before a value", [...GET, "x", " y"]],
    ["a tab behind a value", [...GET, "x", "y\t"]],
    ["a line end in a name", [...GET, "x: 1\r\ny", "z"]],
    ["a colon in a name", [...GET, "x:", "z"]],
    ["a capital in a name", [...GET, "Host", "a"]],
    ["a blank in a name", [...GET, "x ", "y"]],
    ["no name", [...GET, "", "y"]],
    ["a line end in the method", set(":method", "GET / HTTP/1.1\r\nx")],
    ["a blank in the method", set(":method", "GET /admin")],
    ["a line end in the path", set(":path", "/\r\nx: 1")],
    ["a blank in the path", set(":path", "/ x")],
    ["a path in Unicode", set(":path", "/\xe4")],
    ["a URL for a path", set(":path", "http://b/")],
    ["a line end in the host", set(":authority", "a\r\nx: 1")],
    ["a scheme that is none", set(":scheme", "https\t/")],
    ["no path", GET.slice(0, 6)],
    ["no method", GET.slice(2)],
    ["no host", set(":authority", "")],
    ["two hosts", [...GET, "host", "b"]],
    ["Host twice", [...GET, "host", "a", "host", "a"]],
    ["two paths", [...GET, ":path", "/"]],
    ["an unknown pseudo-field", [...GET, ":protocol", "websocket"]],
    ["transfer-encoding", [...GET, "transfer-encoding", "chunked"]],
    ["connection", [...GET, "connection", "x"]],
    ["upgrade", [...GET, "upgrade", "websocket"]],
    ["te", [...GET, "te", "gzip"]],
  ])("is not made with %s: 400", (_, fields) => {
    expect(statusOf(() => text(fields))).toBe(400);
  });

  it("of more than 16 KiB is not made: 431", () => {
    expect(statusOf(() => text([...GET, "x", "y".repeat(16_384)]))).toBe(431);
    expect(statusOf(() => text([...GET, "x", "y".repeat(16_000)]))).toBe(200);
  });

  it("of CONNECT is one that the parser refuses: 405", () => {
    const head = text([":method", "CONNECT", ":authority", "a:443"]);
    expect(statusOf(() => parseRequestHead(head, { isTrusted: false }))).toBe(405);
  });

  it("by chance: is refused, or has exactly the lines that it was made of", () => {
    const octets = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 6,
    });
    const plain = fc.string({ unit: fc.constantFrom("a", "b", "-", ":", " ", "\r", "\n", "/"), maxLength: 6 });
    const part = fc.oneof(plain, octets);
    let made = 0;
    fc.assert(
      fc.property(part, part, fc.array(fc.tuple(part, part), { maxLength: 3 }), (method, path, fields) => {
        const all = [":method", method, ":scheme", "https", ":authority", "h", ":path", `/${path}`, ...fields.flat()];
        if (statusOf(() => text(all)) !== 200) return;
        made += 1;
        const lines = fields.map(([name, value]) => `${name}: ${value}`);
        expect(text(all).split("\r\n")).toEqual([`${method} /${path} HTTP/1.1`, "host: h", ...lines, ""]);
      }),
      { numRuns: 5000 },
    );
    expect(made).toBeGreaterThan(20);
  });
});

describe("the text of trailers", () => {
  it("has those that may pass on", () => {
    expect(trailerText(["x-sum", "1", "authorization", "me", "x-more", "2"])).toBe("x-sum: 1\r\nx-more: 2\r\n");
    expect(trailerText([])).toBe("");
  });

  it.each([[[":path", "/"]], [["x", "y\r\nz: 1"]], [["X", "y"]], [["x y", "z"]], [["content-length", "5"]]])(
    "is not made with %j: 400",
    (fields) => {
      expect(statusOf(() => trailerText(fields))).toBe(400);
    },
  );
});
