/**
 * One pool's application behind HTTP: a Fastify server with the user's plugin in it, not listening by itself
 * (`app-listener.ts` hands it requests). Around every request it keeps a scope, and it has the last word on the answer
 * where the pool says that the request was not applied.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from "fastify";
import { HotspareError, reasonOf } from "../../shared/errors.ts";
import type { PoolId } from "../../shared/ids.ts";
import { problemOf, PROBLEM_TYPE } from "../../shared/wire/problem.ts";
import {
  EPOCH_FIELD,
  FENCE_FIELD,
  LSN_FIELD,
  OUTCOME_FIELD,
  OWNER_FIELD,
  readEpoch,
  type Outcome,
} from "../../shared/wire/fields.ts";
import type { PoolAccess } from "../pool-access.ts";
import type { LoadedApp } from "./app.ts";
import { answerAbsent, answerError } from "./app-error.ts";
import { AppPool } from "./app-pool.ts";
import { RequestScope } from "./request-scope.ts";

export interface AppServerOptions {
  readonly access: PoolAccess;
  readonly app: LoadedApp;
  readonly log: FastifyBaseLogger;
  /** Largest body that is parsed. */
  readonly bodyLimitBytes?: number;
}

export const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
/** Longest path parameter, still encoded. */
const MAX_PARAM_LENGTH = 4096;

export class AppServer {
  readonly pool: PoolId;
  /** The server itself, for tests (`inject`) and for upgrades. */
  readonly fastify: FastifyInstance;

  /** Loads the application into a server. @throws {HotspareError} HS_APP_INVALID if it fails to register. */
  static async create(options: AppServerOptions): Promise<AppServer> {
    const server = new AppServer(options);
    const pool = new AppPool(options.access, options.log);
    enterScopes(server.fastify, pool, options.access);
    try {
      await server.fastify.register(async (app) => await options.app.register(app, { pool }));
      await server.fastify.ready();
    } catch (error) {
      throw new HotspareError("HS_APP_INVALID", { app: options.app.name, reason: reasonOf(error) }, { cause: error });
    }
    pool.open();
    return server;
  }

  private constructor({ access, log, bodyLimitBytes = BODY_LIMIT_BYTES }: AppServerOptions) {
    this.pool = access.id;
    this.fastify = Fastify({
      loggerInstance: log,
      logController: new LogController({ disableRequestLogging: true }),
      bodyLimit: bodyLimitBytes,
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
      frameworkErrors: answerError,
      return503OnClosing: false,
      forceCloseConnections: false,
    });
    this.fastify.setErrorHandler(answerError);
    this.fastify.setNotFoundHandler(answerAbsent);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.fastify.server.emit("request", request, response);
  }

  /** Runs the application's own `onClose` hooks; to be called when no request is being handled any more. Idempotent. */
  async close(): Promise<void> {
    await this.fastify.close();
  }
}

/** Before the application's own hooks, so that the scope sees the first byte of the body. */
function enterScopes(fastify: FastifyInstance, pool: AppPool, access: PoolAccess): void {
  fastify.addHook("onRequest", (request, reply, done) => {
    try {
      const scope = new RequestScope(request, reply, (answer, failure) => forceFields(answer, failure, access));
      pool.enter(request, scope);
      const late = lateFor(request.headers[EPOCH_FIELD], access);
      if (late) scope.fail(late);
      done(late ?? undefined);
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addHook("onSend", (request, reply, payload, done) => {
    const scope = pool.scopeOf(request);
    if (scope?.failure) return done(null, override(reply, payload, scope.failure));
    if (scope?.lsn !== null && scope?.lsn !== undefined) reply.header(LSN_FIELD, String(scope.lsn));
    done(null, payload);
  });
}

/** A proxy that has seen a higher epoch serve has the wrong host in front of it. */
function lateFor(field: string | string[] | undefined, access: PoolAccess): HotspareError | null {
  const seen = readEpoch(field);
  if (seen === null || seen <= (access.fence?.epoch ?? 0)) return null;
  return new HotspareError("HS_NOT_PRIMARY", { pool: access.id });
}

/** Forgets the application's answer. What it was about to send did not happen. */
function override(reply: FastifyReply, payload: unknown, failure: HotspareError): string {
  discard(payload);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  reply.code(failure.status).type(PROBLEM_TYPE);
  return JSON.stringify(problemOf(failure));
}

function discard(payload: unknown): void {
  const stream = payload as { destroy?: () => void; cancel?: () => Promise<void> } | null | undefined;
  if (typeof stream?.destroy === "function") stream.destroy();
  else if (typeof stream?.cancel === "function") void stream.cancel().catch(() => undefined);
}

/** The fields by which a proxy knows that the request may be sent to another host, and to which. */
function forceFields(reply: FastifyReply, failure: HotspareError, { fence }: PoolAccess): void {
  const { raw } = reply;
  if (failure.retry) raw.setHeader("retry-after", "1");
  const outcome = outcomeOf(failure);
  if (outcome === null) return;
  raw.setHeader(OUTCOME_FIELD, outcome);
  if (fence === null) return;
  raw.setHeader(EPOCH_FIELD, String(fence.epoch));
  raw.setHeader(OWNER_FIELD, fence.owner);
  raw.setHeader(FENCE_FIELD, fence.id);
}

function outcomeOf({ code }: HotspareError): Outcome | null {
  if (code === "HS_NOT_PRIMARY") return "not-primary";
  return code === "HS_NOT_APPLIED" ? "not-applied" : null;
}
