/**
 * The package's one public entry: what an application is made of, `serve`, and the errors. Nothing else is API.
 * `docs/applications.md` explains it.
 */
export type { App, AppModule } from "./app.ts";
export type { Pool, ReadRun, WriteResult, WriteRun } from "./pool.ts";
export type { PoolEvent } from "../pool-access.ts";
export type { Commit, Db, Parameter, Row, SchemaEntry, Statement } from "../store/store.ts";
export { HotspareError, type ErrorCode, type ErrorDetails } from "../../shared/errors.ts";
export { serve, type ServeOptions } from "./serve.ts";
export type { HostServeOptions } from "./serve-host.ts";
export type { StandaloneOptions } from "./serve-standalone.ts";
export type { Service } from "./service.ts";
