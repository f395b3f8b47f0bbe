/** What an application is: a Fastify plugin that is given a pool, and the schema of its tables. */
import type { FastifyInstance } from "fastify";
import type { SchemaEntry } from "../store/store.ts";
import type { Pool } from "./pool.ts";

/**
 * Registers an application's routes. It is loaded on every host, on standbys too, so it must not touch the pool while it
 * registers (`pool.on` aside).
 *
 * @example
 * export default (async (app, { pool }) => {
 *   app.get("/greeting", (request) => pool.read(request, (db) => db.prepare("select text from greeting").get()));
 * }) satisfies App;
 */
export type App = (app: FastifyInstance, options: { readonly pool: Pool }) => void | Promise<void>;

/** A module that holds an application: what `import * as app from "./app.ts"` gives. */
export interface AppModule {
  readonly default: App;
  /** Run once each, in order, by the primary. Entries are only ever added at the end. */
  readonly schema?: readonly SchemaEntry[];
  /** A query for the highest LSN that the tables hold, where the application keeps any: an import goes on after it. */
  readonly newestLsn?: string;
}

/** An application that was checked. */
export interface LoadedApp {
  /** What the configuration calls it. */
  readonly name: string;
  readonly register: App;
  readonly schema: readonly SchemaEntry[];
  readonly newestLsn?: string;
}
