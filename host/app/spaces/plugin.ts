/**
 * Spaces, the default application: JSON documents in named spaces, with transactions, conditional requests and paging.
 * `docs/spaces.md` is its manual.
 */
import type { FastifyInstance } from "fastify";
import type { App } from "../app.ts";
import type { Pool } from "../pool.ts";
import { registerDocuments } from "./document-routes.ts";
import { acceptJson } from "./json-body.ts";
import { serveOpenApi } from "./openapi.ts";
import { registerSpaces } from "./space-routes.ts";
import { registerTransactions } from "./transaction-routes.ts";
import { compileValidator } from "./validator.ts";

export { newestLsn, schema } from "./schema.ts";

const spaces = ((app: FastifyInstance, { pool }: { pool: Pool }) => {
  app.setValidatorCompiler(compileValidator);
  acceptJson(app);
  serveOpenApi(app);
  registerSpaces(app, pool);
  registerDocuments(app, pool);
  registerTransactions(app, pool);
}) satisfies App;

export default spaces;
