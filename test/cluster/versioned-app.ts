/** `spaces`; the second version, which HOTSPARE_TEST_APP asks for, has a table and a route more. */
import type { App, SchemaEntry } from "hotspare";
import * as spaces from "../../host/app/spaces/plugin.ts";

const NEWER = process.env["HOTSPARE_TEST_APP"] === "2";
const SEEN = { id: "seen", sql: "create table seen (id text primary key not null) strict" };

export const schema: readonly SchemaEntry[] = NEWER ? [...spaces.schema, SEEN] : spaces.schema;

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app, context) => {
  const { pool } = context;
  spaces.default(app, context);
  if (!NEWER) return;
  app.put<{ Params: { id: string } }>("/seen/:id", async (request) => {
    const insert = "insert into seen (id) values (?) on conflict do nothing";
    await pool.write(request, (db) => db.prepare(insert).run(request.params.id).changes);
    return {};
  });
  app.get(
    "/seen",
    async (request) => await pool.read(request, (db) => db.prepare("select count(*) as count from seen").get()),
  );
}) satisfies App;
