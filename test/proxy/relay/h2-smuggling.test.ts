/** Requests of HTTP/2 that would be another one, or two, where they go on as HTTP/1.1: none of them reaches a host. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { END_STREAM, FRAME, GET, POST, RawH2, type Field } from "./raw-h2.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

let plane: Plane;
let client: RawH2;
beforeEach(async () => {
  plane = await startPlane({}, { tls: { ...tls, ca: null } });
  plane.routeTo(plane.a, 1);
  client = await RawH2.open(plane.address, authority.ca);
});
afterEach(async () => {
  client.end();
  await plane.stop();
});

const SECOND = "\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
/** `GET` with one field exchanged. */
const withField = (name: string, value: string): readonly Field[] =>
  GET.map((field) => (field[0] === name ? [name, value] : field));
const without = (name: string): readonly Field[] => GET.filter((field) => field[0] !== name);
const more = (...fields: readonly Field[]): readonly Field[] => [...GET, ...fields];

/** What a request on a stream of its own came to; the connection is proved to be clean behind it, or gone. */
async function refused(fields: readonly Field[]): Promise<void> {
  client.request(1, fields);
  expect(await client.outcome(1)).toSatisfy(
    (outcome) => outcome === 400 || outcome === "reset" || outcome === "closed",
  );
  expect(plane.a.received).toEqual([]);
}

describe("a request over HTTP/2 reaches no host", () => {
  it.each<[string, readonly Field[]]>([
    ["with a line end in its path", withField(":path", `/x HTTP/1.1${SECOND}`)],
    ["with a blank in its path", withField(":path", "/x HTTP/1.1")],
    ["with a tab in its path", withField(":path", "/x\ty")],
    ["with NUL in its path", withField(":path", "/x\0")],
    ["with a fragment in its path", withField(":path", "/x#y")],
    ["with a URL for a path", withField(":path", "https://other.example/")],
    ["with a path that does not begin with a slash", withField(":path", "x")],
    ["with an empty path", withField(":path", "")],
    ["with * for a path of GET", withField(":path", "*")],
    ["without a path", without(":path")],
    ["with a line end in its method", withField(":method", `GET / HTTP/1.1${SECOND}`)],
    ["with a blank in its method", withField(":method", "GET /admin HTTP/1.1\r\nx:")],
    ["with an empty method", withField(":method", "")],
    ["without a method", without(":method")],
    ["without a scheme", without(":scheme")],
    ["of another scheme", withField(":scheme", "ftp")],
    ["with a line end in its scheme", withField(":scheme", "https://a/\r\nx: y")],
    ["with a line end in its host", withField(":authority", "a\r\nx: y")],
    ["with a slash in its host", withField(":authority", "a/b")],
    ["with a user in its host", withField(":authority", "me@a")],
    ["with a blank in its host", withField(":authority", "a b")],
    ["without a host", without(":authority")],
    ["with an empty host", withField(":authority", "")],
    ["with a Host that differs", more(["host", "b"])],
    ["with two of Host", [...without(":authority"), ["host", "a"], ["host", "a"]]],
    ["with two methods", more([":method", "POST"])],
    ["with two paths", more([":path", "/admin"])],
    ["with a path behind other fields", [...without(":path"), ["x", "y"], [":path", "/"]]],
    ["with an unknown pseudo-field", [...GET, [":own", "x"]]],
    ["with a status", [...GET, [":status", "200"]]],
    ["with Transfer-Encoding", more(["transfer-encoding", "chunked"])],
    ["with Connection", more(["connection", "close"])],
    ["with Keep-Alive", more(["keep-alive", "timeout=5"])],
    ["with Proxy-Connection", more(["proxy-connection", "keep-alive"])],
    ["with Upgrade", more(["upgrade", "websocket"])],
    ["with TE for more than trailers", more(["te", "trailers, chunked"])],
    ["with capitals in a name", more(["X", "y"])],
    ["with Transfer-Encoding in capitals", more(["Transfer-Encoding", "chunked"])],
    ["with two lengths", more(["content-length", "0"], ["content-length", "0"])],
    ["with a length that has a sign", more(["content-length", "+0"])],
    ["with a list of lengths", more(["content-length", "0, 0"])],
    ["with a length and no body", more(["content-length", "5"])],
  ])("%s", (_, fields) => refused(fields));

  it.each<[string, Field]>([
    ["a line end in a value", ["x", `y${SECOND}`]],
    ["a bare LF in a value", ["x", "y\nz: 1"]],
    ["a bare CR in a value", ["x", "y\rz: 1"]],
    ["NUL in a value", ["x", "y\0z"]],
    ["a blank before a value", ["x", " y"]],
    ["a line end in a name", ["x: y\r\nz", "1"]],
    ["a colon in a name", ["z:", "1"]],
    ["a blank behind a name", ["x ", "y"]],
    ["an empty name", ["", "z"]],
  ])("with %s, or reaches it without that field", async (_, field) => {
    client.request(1, more(["first", "1"], field, ["last", "1"]));
    const outcome = await client.outcome(1);
    expect(outcome === 400 || outcome === "reset" || outcome === 200).toBe(true);
    expect(plane.a.received).toHaveLength(outcome === 200 ? 1 : 0);
    for (const { url, headers } of plane.a.received) {
      expect([url, headers["first"], headers["last"]]).toEqual(["/", "1", "1"]);
      expect(headers).not.toHaveProperty("x");
      expect(headers).not.toHaveProperty("z");
    }
  });

  it("that asks for a tunnel of another protocol (extended CONNECT)", () =>
    refused([[":method", "CONNECT"], [":protocol", "websocket"], ...GET.slice(1)]));
});

describe("a body over HTTP/2 that is not as long as it was told", () => {
  it.each([
    ["shorter", "10", "short"],
    ["longer", "5", "0123456789"],
  ])(
    "%s: its host sees a broken request or none, never a whole one, and nothing of the next",
    async (_, length, body) => {
      client.request(1, [...POST, ["content-length", length]], 0);
      client.frame(FRAME.data, END_STREAM, 1, Buffer.from(body));
      expect(["reset", "closed"]).toContain(await client.outcome(1));
      await until(() => plane.plane.active(MAIN) === 0 && plane.a.sockets.size === 0);
      expect(plane.a.received).toEqual([]);
      const other = await RawH2.open(plane.address, authority.ca);
      other.request(1, GET);
      expect(await other.outcome(1)).toBe(200);
      expect(plane.a.received).toHaveLength(1);
      other.end();
    },
  );

  it("with the head of another request in it is a body all the same", async () => {
    client.request(1, [...POST, ["content-length", "0"]], 0);
    client.frame(FRAME.data, END_STREAM, 1);
    expect(await client.outcome(1)).toBe(200);
    client.request(3, POST, 0);
    client.frame(FRAME.data, END_STREAM, 3, Buffer.from(`0${SECOND}`));
    expect(await client.outcome(3)).toBe(200);
    expect(plane.a.received.map(({ body }) => body)).toEqual(["", `0${SECOND}`]);
  });
});

describe("trailers over HTTP/2", () => {
  it.each<[string, readonly Field[]]>([
    ["a pseudo-field", [[":path", "/admin"]]],
    ["Transfer-Encoding", [["transfer-encoding", "chunked"]]],
    ["Connection", [["connection", "close"]]],
    ["capitals", [["X-Sum", "1"]]],
  ])("with %s end their request, and the host has not seen its end", async (_, fields) => {
    client.request(1, POST, 0);
    client.frame(FRAME.data, 0, 1, Buffer.from("hello"));
    await until(() => plane.a.sockets.size === 1);
    client.request(1, fields);
    expect(await client.outcome(1)).toBe("reset");
    await until(() => plane.plane.active(MAIN) === 0 && plane.a.sockets.size === 0);
    expect(plane.a.received).toEqual([]);
  });
});
