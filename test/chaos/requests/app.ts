/**
 * The application whose requests must not fail: objects of any size, accounts whose sum is always 0, and of every write one
 * effect that can be counted. A request names its write and the length of its answer, so that its client knows each byte of
 * what must come back. Every answer with a body has its digest in `content-digest`.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { App, Db, SchemaEntry } from "hotspare";
import { digestOf, filling } from "./filling.ts";

export const schema: SchemaEntry[] = [
  { id: "effects", sql: "create table effects (write text primary key not null, times integer not null) strict" },
  { id: "objects", sql: "create table objects (id text primary key not null, bytes blob not null) strict" },
  { id: "accounts", sql: "create table accounts (id text primary key not null, n integer not null) strict" },
];

type Named = { Params: { id: string }; Querystring: WriteQuery };
type Several = { Querystring: WriteQuery & { ids: string } };
type Transfer = { Querystring: WriteQuery & { from: string; to: string; amount: string } };

interface WriteQuery {
  readonly write: string;
  /** Bytes of the answer; 0: `204`. */
  readonly answer: string;
}

export const EFFECTS_PAGE = 5000;
export const ABSENT = filling("absent", 1024);

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app, { pool }) => {
  app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) => done(null, body));

  async function write(
    request: FastifyRequest<{ Querystring: WriteQuery }>,
    reply: FastifyReply,
    change: (db: Db, body: Buffer) => void,
  ): Promise<FastifyReply> {
    const { write: name, answer } = request.query;
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await pool.write(request, (db) => {
      db.prepare(
        "insert into effects (write, times) values (?, 1) on conflict (write) do update set times = times + 1",
      ).run(name);
      change(db, body);
      return null;
    });
    return answer === "0" ? reply.code(204).send() : send(reply, filling(`answer ${name}`, Number(answer)));
  }

  app.put<Named>("/objects/:id", (request, reply) =>
    write(request, reply, (db, body) => store(db, request.params.id, body)),
  );
  app.patch<Named>("/objects/:id", (request, reply) =>
    write(request, reply, (db, body) => {
      const former = db.prepare("select bytes from objects where id = ?").get(request.params.id)?.["bytes"];
      store(db, request.params.id, Buffer.concat([former as Uint8Array, body]));
    }),
  );
  app.delete<Named>("/objects/:id", (request, reply) =>
    write(request, reply, (db) => db.prepare("delete from objects where id = ?").run(request.params.id)),
  );
  /** Several objects in one write, equal parts of the body. */
  app.post<Several>("/objects", (request, reply) =>
    write(request, reply, (db, body) => {
      const ids = request.query.ids.split(",");
      const bytes = body.length / ids.length;
      ids.forEach((id, index) => store(db, id, body.subarray(index * bytes, (index + 1) * bytes)));
    }),
  );
  app.post<Transfer>("/transfers", (request, reply) =>
    write(request, reply, (db) => {
      const { from, to, amount } = request.query;
      add(db, from, -Number(amount));
      add(db, to, Number(amount));
    }),
  );

  app.get<Named>("/objects/:id", async (request, reply) => {
    const found = await pool.read(request, (db) =>
      db.prepare("select bytes from objects where id = ?").get(request.params.id),
    );
    if (!found) return send(reply.code(404), ABSENT);
    return send(reply, Buffer.from(found["bytes"] as Uint8Array));
  });
  app.get<{ Querystring: { answer: string } }>("/accounts", async (request, reply) => {
    const accounts = await pool.read(request, (db) => db.prepare("select id, n from accounts order by id").all());
    return send(reply, Buffer.from(JSON.stringify(accounts).padEnd(Number(request.query.answer))));
  });
  app.get<{ Querystring: { after: string } }>("/effects", (request) =>
    pool.read(request, (db) =>
      db
        .prepare("select write, times from effects where write > ? order by write limit ?")
        .all(request.query.after, EFFECTS_PAGE),
    ),
  );
}) satisfies App;

function store(db: Db, id: string, bytes: Buffer): void {
  db.prepare("insert into objects (id, bytes) values (?, ?) on conflict (id) do update set bytes = excluded.bytes").run(
    id,
    bytes,
  );
}

function add(db: Db, id: string, amount: number): void {
  db.prepare("insert into accounts (id, n) values (?, ?) on conflict (id) do update set n = n + excluded.n").run(
    id,
    amount,
  );
}

const send = (reply: FastifyReply, bytes: Buffer): FastifyReply =>
  reply
    .header("content-digest", `sha-256=:${digestOf(bytes)}:`)
    .type("application/octet-stream")
    .send(bytes);
