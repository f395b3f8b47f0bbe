/** Counts how many requests it has at once, and how often each took effect. */
import type { App, SchemaEntry } from "hotspare";

export const schema: SchemaEntry[] = [
  { id: "hits", sql: "create table hits (id text primary key not null, times integer not null) strict" },
];

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app, { pool }) => {
  let atOnce = 0;
  let most = 0;

  app.post<{ Params: { id: string } }>(
    "/hits/:id",
    {
      onRequest: (_, __, done) => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        done();
      },
      onSend: (_, __, payload, done) => {
        atOnce -= 1;
        done(null, payload);
      },
    },
    async (request) => {
      const { value } = await pool.write(request, (db) =>
        db
          .prepare(
            "insert into hits (id, times) values (?, 1) on conflict (id) do update set times = times + 1 returning id, times",
          )
          .get(request.params.id),
      );
      return value;
    },
  );
  app.get("/hits", async (request) => ({
    mostAtOnce: most,
    ...(await pool.read(request, (db) => db.prepare("select count(*) as ids, sum(times) as times from hits").get())),
  }));
}) satisfies App;
