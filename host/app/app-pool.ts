/**
 * The `Pool` that an application is given: the host's pool, with each call tied to the request that makes it, so that the
 * write has the request's key, the read its consistency, and the answer the outcome of both.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import { HotspareError } from "../../shared/errors.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Consistency, PoolAccess, PoolEvent, Written } from "../pool-access.ts";
import type { SettlementKey } from "../store/store.ts";
import type { Pool, ReadRun, WriteResult, WriteRun } from "./pool.ts";
import { scopedKey } from "./request-identity.ts";
import type { RequestScope } from "./request-scope.ts";

/** Under a key that is given as text there is one request only: the key itself. */
const NO_REQUEST_HASH = "0".repeat(64) as Sha256;

export class AppPool implements Pool {
  readonly #access: PoolAccess;
  readonly #log: FastifyBaseLogger;
  readonly #scopes = new WeakMap<IncomingMessage, RequestScope>();
  #open = false;

  constructor(access: PoolAccess, log: FastifyBaseLogger) {
    this.#access = access;
    this.#log = log;
  }

  get id(): string {
    return this.#access.id;
  }

  /** From here on the application may use the pool: it is registered. */
  open(): void {
    this.#open = true;
  }

  /** Ties `scope` to the request's calls. */
  enter(request: FastifyRequest, scope: RequestScope): void {
    this.#scopes.set(request.raw, scope);
  }

  scopeOf(request: FastifyRequest): RequestScope | null {
    return this.#scopes.get(request.raw) ?? null;
  }

  write<T>(from: FastifyRequest | string, run: WriteRun<T>): Promise<WriteResult<T>>;
  write<T>(from: FastifyRequest | string, name: string, run: WriteRun<T>): Promise<WriteResult<T>>;
  async write<T>(
    from: FastifyRequest | string,
    nameOrRun: string | WriteRun<T>,
    namedRun?: WriteRun<T>,
  ): Promise<WriteResult<T>> {
    const name = typeof nameOrRun === "string" ? nameOrRun : null;
    const run = typeof nameOrRun === "function" ? nameOrRun : namedRun;
    if (typeof run !== "function") throw misuse("it needs a function");
    this.#checkOpen();
    if (typeof from === "string") return resultOf<T>(await this.#access.write({ key: textKey(from, name), run }));
    return resultOf<T>(await this.#writeFor(this.#requireScope(from), name, run));
  }

  async read<T>(from: FastifyRequest | "linearizable" | "local", run: ReadRun<T>): Promise<T> {
    if (typeof run !== "function") throw misuse("it needs a function");
    this.#checkOpen();
    if (typeof from === "string") return await this.#access.read(namedConsistency(from), run);
    return await this.#readFor(this.#requireScope(from), run);
  }

  on(event: PoolEvent, listener: () => void): () => void {
    return this.#access.on(event, () => this.#call(event, listener));
  }

  checkpoint(reason: string): void {
    this.#checkOpen();
    this.#access.checkpoint(reason);
  }

  async #writeFor(scope: RequestScope, name: string | null, run: WriteRun<unknown>): Promise<Written> {
    const key = scope.claimWrite(name);
    let seen: number | null = null;
    try {
      const written = await this.#access.write({
        key,
        waitingBytes: scope.bodyBytes,
        run: (db, commit) => {
          seen = commit.lsn - 1;
          return run(db, commit);
        },
      });
      scope.sawLsn(written.lsn);
      return written;
    } catch (error) {
      scope.noteError(error);
      // A refusal is an answer from the state before it: a session must not fall behind that. What `run` saw of a batch
      // that was never committed is no state.
      if (seen !== null) scope.sawLsn(Math.min(seen, this.#access.lsn));
      throw error;
    }
  }

  async #readFor<T>(scope: RequestScope, run: ReadRun<T>): Promise<T> {
    try {
      return await this.#access.read(scope.consistency, (db) => {
        scope.sawLsn(this.#access.lsn);
        return run(db);
      });
    } catch (error) {
      scope.noteError(error);
      throw error;
    }
  }

  #requireScope(request: FastifyRequest): RequestScope {
    const scope = this.scopeOf(request);
    if (scope === null) throw misuse("the first argument is neither a request of this server nor a text");
    return scope;
  }

  #checkOpen(): void {
    if (!this.#open) throw misuse("an application must not touch the pool while it registers");
  }

  /** A listener's failure is the application's own: it must not end the commit that it was told of. */
  #call(event: PoolEvent, listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#log.error({ err: error, event }, "a listener of the application failed");
    }
  }
}

function textKey(text: string, name: string | null): SettlementKey {
  if (text === "") throw misuse("a key must not be empty");
  const key = scopedKey("text", [text], name);
  return { key, source: "client", requestHash: NO_REQUEST_HASH, firstSentLogTimeMs: null };
}

function namedConsistency(name: "linearizable" | "local"): Consistency {
  if (name !== "linearizable" && name !== "local") throw misuse("a read outside a request is linearizable or local");
  return { type: name };
}

const resultOf = <T>({ value, lsn, replayed }: Written): WriteResult<T> => ({
  value: JSON.parse(value) as T,
  lsn,
  replayed,
});

const misuse = (reason: string): HotspareError => new HotspareError("HS_WRITE_MISUSE", { reason });
