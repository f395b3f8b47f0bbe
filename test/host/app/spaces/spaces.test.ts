import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadApp } from "../../../../host/app/load-app.ts";
import { startStandaloneApp, type StandaloneApp } from "../standalone-app.ts";

let app: StandaloneApp;

beforeEach(async () => {
  app = await startStandaloneApp(await loadApp("spaces", "/"));
});
afterEach(() => app.close());

type Method = "GET" | "HEAD" | "PUT" | "PATCH" | "POST" | "DELETE";

async function call(method: Method, url: string, options: Omit<InjectOptions, "method" | "url"> = {}) {
  return await app.fastify.inject({ method, url, ...options });
}

/** With a JSON body, given as text or as a value. */
const send = (method: Method, url: string, body: unknown, headers: Record<string, string> = {}) =>
  call(method, url, {
    payload: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });

const brief = (answer: LightMyRequestResponse): unknown[] => [
  answer.statusCode,
  answer.body === "" ? null : answer.json(),
];

function expectProblem(answer: LightMyRequestResponse, status: number, code: string): void {
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
  expect(answer.headers["content-type"]).toContain("application/problem+json");
}

const makeSpace = async (space = "s"): Promise<void> => void (await send("PUT", `/spaces/${space}`, {}));
const put = (id: string, value: unknown, headers: Record<string, string> = {}) =>
  send("PUT", `/spaces/s/documents/${encodeURIComponent(id)}`, value, headers);

describe("a space", () => {
  it("is created, updated in what is given, read, listed and deleted; each change is followed by a checkpoint", async () => {
    const created = await send("PUT", "/spaces/alpha", { title: "Alpha", settings: { a: 1 } });
    expect(brief(created)).toEqual([
      201,
      { space: "alpha", title: "Alpha", settings: { a: 1 }, createdLsn: 1, lsn: 1 },
    ]);
    expect(created.headers["hotspare-lsn"]).toBe("1");
    const updated = await send("PUT", "/spaces/alpha", { settings: { b: 2 } });
    expect(brief(updated)).toEqual([
      200,
      { space: "alpha", title: "Alpha", settings: { b: 2 }, createdLsn: 1, lsn: 2 },
    ]);
    expect(brief(await call("GET", "/spaces/alpha"))).toEqual(brief(updated));
    expect((await send("PUT", "/spaces/alpha", { title: null })).json()).toMatchObject({ title: null });
    expect((await call("PUT", "/spaces/beta")).statusCode).toBe(201);
    expect((await call("GET", "/spaces")).json()).toMatchObject({
      spaces: [{ space: "alpha" }, { space: "beta" }],
      next: null,
    });
    const deleted = await call("DELETE", "/spaces/alpha");
    expect(brief(deleted)).toEqual([204, null]);
    expect(deleted.headers["hotspare-lsn"]).toBe("5");
    expectProblem(await call("GET", "/spaces/alpha"), 404, "HS_SPACE_ABSENT");
    expectProblem(await call("DELETE", "/spaces/alpha"), 404, "HS_SPACE_ABSENT");
    expect(app.checkpoints).toEqual([
      "space alpha was created",
      "space alpha was updated",
      "space alpha was updated",
      "space beta was created",
      "space alpha was deleted",
    ]);
  });

  it("takes its documents along, and begins empty when it is made again", async () => {
    await makeSpace();
    await put("a", 1);
    await call("DELETE", "/spaces/s");
    expectProblem(await call("GET", "/spaces/s/documents/a"), 404, "HS_SPACE_ABSENT");
    await makeSpace();
    expectProblem(await call("GET", "/spaces/s/documents/a"), 404, "HS_DOCUMENT_ABSENT");
  });

  it("an unfit name, title, settings or member is refused by name", async () => {
    for (const name of ["-a", "a%20b", "a%2Fb", "x".repeat(129)]) {
      expect((await send("PUT", `/spaces/${name}`, {})).statusCode).toBe(400);
    }
    expectProblem(await send("PUT", "/spaces/s", { title: 1 }), 400, "HS_BODY_INVALID");
    expectProblem(await send("PUT", "/spaces/s", { titel: "x" }), 400, "HS_BODY_INVALID");
    expectProblem(await send("PUT", "/spaces/s", { settings: [] }), 400, "HS_BODY_INVALID");
    expectProblem(await send("PUT", "/spaces/s", { settings: { a: "x".repeat(65_536) } }), 413, "HS_WRITE_TOO_LARGE");
    expect(app.pool.lsn).toBe(0);
  });

  it("a replay does not ask for another checkpoint", async () => {
    const headers = { "idempotency-key": "k" };
    const first = await send("PUT", "/spaces/s", {}, headers);
    const second = await send("PUT", "/spaces/s", {}, headers);
    expect(brief(second)).toEqual(brief(first));
    expect(second.headers["hotspare-lsn"]).toBe(first.headers["hotspare-lsn"]);
    expect(app.checkpoints).toHaveLength(1);
  });
});

describe("a document", () => {
  beforeEach(() => makeSpace());

  it("is created, replaced, read and deleted, with the LSN of its last change as its tag", async () => {
    const created = await put("a", { n: 1 });
    expect(brief(created)).toEqual([201, { space: "s", id: "a", lsn: 2 }]);
    expect([created.headers.etag, created.headers["hotspare-lsn"]]).toEqual(['"2"', "2"]);
    const replaced = await put("a", { n: 2 });
    expect([replaced.statusCode, replaced.headers.etag]).toEqual([200, '"3"']);
    const read = await call("GET", "/spaces/s/documents/a");
    expect(brief(read)).toEqual([200, { n: 2 }]);
    expect([read.headers.etag, read.headers["hotspare-lsn"]]).toEqual(['"3"', "3"]);
    expect(read.headers["content-type"]).toContain("application/json");
    const head = await call("HEAD", "/spaces/s/documents/a");
    expect([head.statusCode, head.body, head.headers.etag, head.headers["content-length"]]).toEqual([
      200,
      "",
      '"3"',
      "7",
    ]);
    const deleted = await call("DELETE", "/spaces/s/documents/a");
    expect([deleted.statusCode, deleted.headers["hotspare-lsn"]]).toEqual([204, "4"]);
    expectProblem(await call("GET", "/spaces/s/documents/a"), 404, "HS_DOCUMENT_ABSENT");
    expect((await call("HEAD", "/spaces/s/documents/a")).statusCode).toBe(404);
    expectProblem(await call("DELETE", "/spaces/s/documents/a"), 404, "HS_DOCUMENT_ABSENT");
    expect((await put("a", 3)).statusCode).toBe(201);
  });

  it("leaves a tombstone with the LSN of its deletion", async () => {
    await put("a", 1);
    await call("DELETE", "/spaces/s/documents/a");
    const rows = await app.pool.read({ type: "local" }, (db) =>
      db.prepare("select id, value, lsn from documents").all(),
    );
    expect(rows).toEqual([{ id: "a", value: null, lsn: 3 }]);
  });

  it("may be any JSON value, and comes back exactly", async () => {
    const values = [
      "null",
      "true",
      '"text"',
      "[]",
      "{}",
      "0",
      "12345678901234567890",
      "1e400",
      '{"a":[1.10,{"é":"\\u0000"}]}',
    ];
    const expected = [...values];
    expected[8] = '{"a":[1.1,{"é":"\\u0000"}]}';
    for (const [index, value] of values.entries()) {
      expect((await put("v", value)).statusCode).toBeLessThan(300);
      expect((await call("GET", "/spaces/s/documents/v")).body).toBe(expected[index]);
    }
  });

  it("may have any text as its id, slashes too", async () => {
    for (const id of ["a/b", "ü ñ 🚀", "%", "...", "x".repeat(512), "__proto__"]) {
      expect((await put(id, { id })).statusCode).toBe(201);
      expect((await call("GET", `/spaces/s/documents/${encodeURIComponent(id)}`)).json()).toEqual({ id });
    }
    expectProblem(await put("x".repeat(513), 1), 400, "HS_ID_INVALID");
    expectProblem(await put("a\0b", 1), 400, "HS_ID_INVALID");
  });

  it("a body that is missing, broken, no JSON, poisoned, too deep or too large is refused", async () => {
    expectProblem(await call("PUT", "/spaces/s/documents/a"), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", ""), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", "{"), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", '{"__proto__":{"a":1}}'), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", '{"constructor":{"prototype":{"a":1}}}'), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", "[".repeat(201) + "]".repeat(201)), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", "x", { "content-type": "text/plain" }), 415, "HS_MEDIA_TYPE");
    expectProblem(await put("a", "x".repeat(1024 * 1024)), 400, "HS_BODY_INVALID");
    expectProblem(await put("a", JSON.stringify("x".repeat(1024 * 1024))), 413, "HS_WRITE_TOO_LARGE");
    expectProblem(await put("a", JSON.stringify("x".repeat(9 * 1024 * 1024))), 413, "HS_BODY_TOO_LARGE");
    expect(app.pool.lsn).toBe(1);
  });

  it("in a space that is absent: 404 for every method", async () => {
    for (const method of ["GET", "HEAD", "DELETE"] as const) {
      expect((await call(method, "/spaces/none/documents/a")).statusCode).toBe(404);
    }
    expectProblem(await send("PUT", "/spaces/none/documents/a", 1), 404, "HS_SPACE_ABSENT");
    expectProblem(await send("PATCH", "/spaces/none/documents/a", {}), 404, "HS_SPACE_ABSENT");
    expectProblem(await call("GET", "/spaces/none/documents"), 404, "HS_SPACE_ABSENT");
  });

  it("is counted once when the same request is sent again under its key; another one under it is refused", async () => {
    const headers = { "idempotency-key": "k" };
    const first = await put("a", 1, headers);
    await put("a", 2);
    const again = await put("a", 1, headers);
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([201, first.body, first.headers.etag]);
    expect((await call("GET", "/spaces/s/documents/a")).json()).toBe(2);
    expectProblem(await put("a", 3, headers), 422, "HS_KEY_REUSED");
    expectProblem(await put("a", 1, { ...headers, "if-match": "*" }), 422, "HS_KEY_REUSED");
  });
});

describe("conditional requests", () => {
  beforeEach(async () => {
    await makeSpace();
    await put("a", 1);
  });

  const cases: [string, Method, string, Record<string, string>, number][] = [
    ["If-Match with the tag", "PUT", "a", { "if-match": '"2"' }, 200],
    ["If-Match with the tag in a list", "PUT", "a", { "if-match": '"7", "2"' }, 200],
    ["If-Match with an old tag", "PUT", "a", { "if-match": '"1"' }, 412],
    ["If-Match with a weak tag", "PUT", "a", { "if-match": 'W/"2"' }, 412],
    ["If-Match: * where it is", "PUT", "a", { "if-match": "*" }, 200],
    ["If-Match: * where it is not", "PUT", "b", { "if-match": "*" }, 412],
    ["If-Match with a tag where it is not", "PUT", "b", { "if-match": '"2"' }, 412],
    ["If-None-Match: * where it is", "PUT", "a", { "if-none-match": "*" }, 412],
    ["If-None-Match: * where it is not", "PUT", "b", { "if-none-match": "*" }, 201],
    ["If-None-Match with the tag", "PUT", "a", { "if-none-match": '"2"' }, 412],
    ["If-Match with an old tag", "PATCH", "a", { "if-match": '"1"' }, 412],
    ["If-Match with the tag", "PATCH", "a", { "if-match": '"2"' }, 200],
    ["absence before any condition", "PATCH", "b", { "if-match": '"2"' }, 404],
    ["If-Match with an old tag", "DELETE", "a", { "if-match": '"1"' }, 412],
    ["If-Match with the tag", "DELETE", "a", { "if-match": '"2"' }, 204],
    ["absence before any condition", "DELETE", "b", { "if-match": '"2"' }, 404],
    ["what is no tag", "PUT", "a", { "if-match": "2" }, 400],
    ["what is no tag", "GET", "a", { "if-none-match": "2" }, 400],
    ["If-None-Match with the tag", "GET", "a", { "if-none-match": '"2"' }, 304],
    ["If-None-Match with the weak tag", "GET", "a", { "if-none-match": 'W/"2"' }, 304],
    ["If-None-Match: *", "GET", "a", { "if-none-match": "*" }, 304],
    ["If-None-Match with an old tag", "GET", "a", { "if-none-match": '"1"' }, 200],
    ["If-None-Match with the tag", "HEAD", "a", { "if-none-match": '"2"' }, 304],
    ["If-None-Match where it is not", "GET", "b", { "if-none-match": '"2"' }, 404],
  ];

  for (const [name, method, id, headers, status] of cases) {
    it(`${method}, ${name}: ${status}`, async () => {
      const url = `/spaces/s/documents/${id}`;
      const withBody = method === "PUT" || method === "PATCH";
      const answer = withBody ? await send(method, url, 5, headers) : await call(method, url, { headers });
      expect(answer.statusCode).toBe(status);
      if (status === 412) expectProblem(answer, 412, "HS_PRECONDITION_FAILED");
      if (status === 304)
        expect([answer.body, answer.headers.etag, answer.headers["hotspare-lsn"]]).toEqual(["", '"2"', "2"]);
      if (status >= 400) expect(app.pool.lsn).toBe(2);
    });
  }

  it("a tag is never used again, also when the document is made anew", async () => {
    await call("DELETE", "/spaces/s/documents/a");
    await put("a", 1);
    expect((await put("a", 2, { "if-match": '"2"' })).statusCode).toBe(412);
  });

  it("of many writers with the same tag exactly one wins", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => put("a", n, { "if-match": '"2"' })));
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
    expect(answers.filter(({ statusCode }) => statusCode === 412)).toHaveLength(19);
  });
});

describe("PATCH", () => {
  beforeEach(() => makeSpace());

  it("merges, removes by null, and takes application/merge-patch+json", async () => {
    await put("a", { title: "x", author: { given: "A", family: "B" }, tags: [1], big: 1 });
    const patch = '{"title":"y","author":{"family":null},"tags":[2],"big":12345678901234567890}';
    const answer = await send("PATCH", "/spaces/s/documents/a", patch, {
      "content-type": "application/merge-patch+json",
    });
    expect(brief(answer)).toEqual([200, { space: "s", id: "a", lsn: 3 }]);
    expect(answer.headers.etag).toBe('"3"');
    expect((await call("GET", "/spaces/s/documents/a")).body).toBe(
      '{"title":"y","author":{"given":"A"},"tags":[2],"big":12345678901234567890}',
    );
  });

  it("what it would make too large is refused, and stays as it was", async () => {
    await put("a", { a: "x".repeat(700_000) });
    expectProblem(await send("PATCH", "/spaces/s/documents/a", { b: "x".repeat(700_000) }), 413, "HS_WRITE_TOO_LARGE");
    expect(app.pool.lsn).toBe(2);
  });
});

describe("listing documents", () => {
  beforeEach(() => makeSpace());
  const list = async (query: string) =>
    (await call("GET", `/spaces/s/documents${query}`)).json<{ documents: { id: string }[]; next: string | null }>();

  it("pages in key order, by prefix, without what was deleted", async () => {
    for (const id of ["b", "a/2", "a/1", "a/3", "a", "c", "B"]) await put(id, { id });
    await call("DELETE", "/spaces/s/documents/c");
    const all = await list("");
    expect(all.documents.map(({ id }) => id)).toEqual(["B", "a", "a/1", "a/2", "a/3", "b"]);
    expect(all.next).toBeNull();
    expect(all.documents[1]).toEqual({ id: "a", lsn: 6, value: { id: "a" } });
    const first = await list("?prefix=a/&limit=2");
    expect([first.documents.map(({ id }) => id), first.next]).toEqual([["a/1", "a/2"], "a/2"]);
    const second = await list(`?prefix=a/&limit=2&after=${encodeURIComponent(first.next ?? "")}`);
    expect([second.documents.map(({ id }) => id), second.next]).toEqual([["a/3"], null]);
    expect((await list("?prefix=zzz")).documents).toEqual([]);
    expect((await list("?after=b")).documents).toEqual([]);
  });

  it("walks everything once, whatever the limit; an exact last page has no next", async () => {
    const ids = Array.from({ length: 9 }, (_, n) => `id-${n}`);
    for (const id of ids) await put(id, 1);
    for (const limit of [1, 2, 3, 9, 10]) {
      const seen: string[] = [];
      let after: string | null = "";
      while (after !== null) {
        const page: { documents: { id: string }[]; next: string | null } = await list(`?limit=${limit}&after=${after}`);
        seen.push(...page.documents.map(({ id }) => id));
        after = page.next;
      }
      expect(seen).toEqual(ids);
    }
  });

  it("a page is bounded in bytes too, and goes on where it ended", async () => {
    for (let n = 0; n < 6; n++) await put(`big-${n}`, { text: "x".repeat(1_000_000) });
    const first = await list("");
    expect([first.documents.length, first.next]).toEqual([4, "big-3"]);
    expect((await list("?after=big-3")).documents.map(({ id }) => id)).toEqual(["big-4", "big-5"]);
  });

  it("a limit that is no number, or given twice, is refused; a huge one is cut", async () => {
    for (const query of ["?limit=0", "?limit=-1", "?limit=x", "?limit=1&limit=2"]) {
      expectProblem(await call("GET", `/spaces/s/documents${query}`), 400, "HS_REQUEST_INVALID");
    }
    expect((await list("?limit=999999")).documents).toEqual([]);
  });
});

describe("a transaction", () => {
  beforeEach(async () => {
    await makeSpace();
    await put("a", { n: 1 });
  });
  const transact = (operations: unknown, headers: Record<string, string> = {}) =>
    send("POST", "/spaces/s/transactions", { operations }, headers);

  it("does all of it as one commit", async () => {
    await put("gone", 1);
    const answer = await transact([
      { check: "a", ifMatch: '"2"' },
      { put: "b", value: [1] },
      { merge: "a", value: { m: 2 } },
      { delete: "gone" },
      { check: "c", ifMatch: null },
    ]);
    expect(brief(answer)).toEqual([
      200,
      {
        lsn: 4,
        results: [
          { id: "a", change: "checked", lsn: 2 },
          { id: "b", change: "created", lsn: 4 },
          { id: "a", change: "updated", lsn: 4 },
          { id: "gone", change: "deleted", lsn: 4 },
          { id: "c", change: "checked", lsn: 0 },
        ],
      },
    ]);
    expect(answer.headers["hotspare-lsn"]).toBe("4");
    expect((await call("GET", "/spaces/s/documents/a")).json()).toEqual({ n: 1, m: 2 });
    expect((await call("GET", "/spaces/s/documents/gone")).statusCode).toBe(404);
  });

  const refused: [string, unknown[], number, string][] = [
    [
      "a check on an old tag",
      [
        { put: "b", value: 1 },
        { check: "a", ifMatch: '"1"' },
      ],
      412,
      "HS_PRECONDITION_FAILED",
    ],
    [
      "a put of what should be absent",
      [
        { put: "b", value: 1 },
        { put: "a", value: 1, ifMatch: null },
      ],
      412,
      "HS_PRECONDITION_FAILED",
    ],
    ["a check of what is absent", [{ put: "b", value: 1 }, { check: "c" }], 404, "HS_DOCUMENT_ABSENT"],
    [
      "a check for absence of what is there",
      [
        { put: "b", value: 1 },
        { check: "a", ifMatch: null },
      ],
      412,
      "HS_PRECONDITION_FAILED",
    ],
    [
      "a merge of what is absent",
      [
        { put: "b", value: 1 },
        { merge: "c", value: {} },
      ],
      404,
      "HS_DOCUMENT_ABSENT",
    ],
    ["a delete of what is absent", [{ put: "b", value: 1 }, { delete: "c" }], 404, "HS_DOCUMENT_ABSENT"],
    [
      "too large a value",
      [
        { put: "b", value: 1 },
        { put: "c", value: "x".repeat(1_100_000) },
      ],
      413,
      "HS_WRITE_TOO_LARGE",
    ],
    [
      "an unfit id",
      [
        { put: "b", value: 1 },
        { put: "x".repeat(513), value: 1 },
      ],
      400,
      "HS_ID_INVALID",
    ],
    [
      "an LSN that is old",
      [
        { put: "b", value: 1 },
        { put: "a", value: 1, ifMatch: 1 },
      ],
      412,
      "HS_PRECONDITION_FAILED",
    ],
  ];
  for (const [name, operations, status, code] of refused) {
    it(`${name}: ${status}, and nothing of it happened`, async () => {
      const answer = await transact(operations);
      expectProblem(answer, status, code);
      expect(answer.json()).toMatchObject({ details: { operation: 1 } });
      expect(app.pool.lsn).toBe(2);
      expect((await call("GET", "/spaces/s/documents/b")).statusCode).toBe(404);
    });
  }

  it("sees its own earlier operations", async () => {
    const answer = await transact([
      { put: "b", value: { a: 1 } },
      { merge: "b", value: { b: 2 } },
      { put: "b", value: 3, ifMatch: null },
    ]);
    expectProblem(answer, 412, "HS_PRECONDITION_FAILED");
    await transact([
      { put: "b", value: { a: 1 } },
      { merge: "b", value: { b: 2 } },
    ]);
    expect((await call("GET", "/spaces/s/documents/b")).json()).toEqual({ a: 1, b: 2 });
  });

  it("a body that is none is refused", async () => {
    for (const operations of [
      undefined,
      [],
      {},
      [{}],
      [{ put: "a" }],
      [{ put: "a", delete: "a" }],
      [{ check: 1 }],
      Array.from({ length: 1001 }, () => ({ check: "a" })),
    ]) {
      expectProblem(await transact(operations), 400, "HS_BODY_INVALID");
    }
    expectProblem(await call("POST", "/spaces/s/transactions"), 400, "HS_BODY_INVALID");
    expectProblem(
      await send("POST", "/spaces/none/transactions", { operations: [{ check: "a" }] }),
      404,
      "HS_SPACE_ABSENT",
    );
  });

  it("sent again under its key: the first answer, once", async () => {
    const headers = { "idempotency-key": "t" };
    const first = await transact([{ put: "b", value: 1, ifMatch: null }], headers);
    const again = await transact([{ put: "b", value: 1, ifMatch: null }], headers);
    expect(brief(again)).toEqual(brief(first));
    expect(app.pool.lsn).toBe(3);
  });

  it("keeps numbers exactly", async () => {
    const body = '{"operations":[{"put":"n","value":12345678901234567890},{"put":"m","value":{"e":1E400}}]}';
    expect((await send("POST", "/spaces/s/transactions", body)).statusCode).toBe(200);
    expect((await call("GET", "/spaces/s/documents/n")).body).toBe("12345678901234567890");
    expect((await call("GET", "/spaces/s/documents/m")).body).toBe('{"e":1E400}');
  });
});

describe("the API document", () => {
  it("describes every route there is", async () => {
    const answer = await call("GET", "/openapi.json");
    const { openapi, paths } = answer.json<{ openapi: string; paths: Record<string, Record<string, unknown>> }>();
    expect(openapi).toBe("3.1.0");
    expect(
      Object.entries(paths)
        .map(([path, methods]) => `${path}: ${Object.keys(methods).sort().join(" ")}`)
        .sort(),
    ).toEqual([
      "/spaces/{space}/documents/{id}: delete get patch put",
      "/spaces/{space}/documents: get",
      "/spaces/{space}/transactions: post",
      "/spaces/{space}: delete get put",
      "/spaces: get",
    ]);
    expect(paths["/spaces/{space}"]?.["put"]).toMatchObject({
      parameters: [{ name: "space", in: "path", required: true, schema: { type: "string" } }],
      requestBody: { content: { "application/json": { schema: { type: "object" } } } },
      responses: { 201: { description: "Created: created" } },
    });
  });
});
