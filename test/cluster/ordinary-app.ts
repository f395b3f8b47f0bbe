/** The application of `chaos/requests`, and a page that uses it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "hotspare";
import requests, { schema as requestsSchema } from "../chaos/requests/app.ts";

export const schema = requestsSchema;

const PAGE = readFileSync(join(import.meta.dirname, "ordinary-page.html"), "utf8");

// oxlint-disable-next-line import/no-default-export -- an application is the default export of its module
export default (async (app, options) => {
  await requests(app, options);
  app.get("/page", (_, reply) => reply.type("text/html; charset=utf-8").send(PAGE));
}) satisfies App;
