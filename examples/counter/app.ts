/** The smallest application: counters that survive their machine, each `POST` counted exactly once. */
import type { App, SchemaEntry } from "hotspare";

export const schema: SchemaEntry[] = [
  { id: "counter", sql: "create table counter (id text primary key not null, n integer not null) strict" },
];

type CounterRequest = { Params: { id: string } };

export default (async (app, { pool }) => {
  app.post<CounterRequest>("/counter/:id", async (request) => {
    const { value } = await pool.write(request, (db) =>
      db
        .prepare("insert into counter (id, n) values (?, 1) on conflict (id) do update set n = n + 1 returning id, n")
        .get(request.params.id),
    );
    return value;
  });

  app.get<CounterRequest>("/counter/:id", async (request) => {
    const { id } = request.params;
    return await pool.read(
      request,
      (db) => db.prepare("select id, n from counter where id = ?").get(id) ?? { id, n: 0 },
    );
  });
}) satisfies App;
