/**
 * What the host keeps of one request while it is handled: which writes it made, which state it saw, and whether a call
 * of the pool failed in a way that the client must not be told by the application.
 *
 * Such a failure is final: from then on the answer is the host's, whatever the handler caught, returned or streams. If
 * an answer has begun already, its connection is cut, because half a success must not look like a whole one.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { HotspareError, isHotspareError } from "../../shared/errors.ts";
import { lsn, type Lsn } from "../../shared/position.ts";
import type { Consistency } from "../pool-access.ts";
import type { SettlementKey } from "../store/store.ts";
import { RequestHash } from "./request-hash.ts";
import { identify, scopedKey, type RequestIdentity } from "./request-identity.ts";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);
const FINAL_CODES: ReadonlySet<string> = new Set(["HS_NOT_PRIMARY", "HS_NOT_APPLIED", "HS_OUTCOME_UNKNOWN"]);

export class RequestScope {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #force: (reply: FastifyReply, failure: HotspareError) => void;
  readonly #identity: RequestIdentity;
  readonly #hash: RequestHash | null;
  readonly #names = new Set<string | null>();
  #lsn: Lsn | null = null;
  #failure: HotspareError | null = null;

  /**
   * `force` writes status and fields of a failure onto the raw answer, just before its head leaves.
   * @throws {HotspareError} HS_REQUEST_INVALID
   */
  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    force: (reply: FastifyReply, failure: HotspareError) => void,
  ) {
    this.#request = request;
    this.#reply = reply;
    this.#force = force;
    this.#identity = identify(request.raw);
    this.#hash = this.#identity.key && !SAFE_METHODS.has(request.method) ? new RequestHash(request.raw) : null;
  }

  get consistency(): Consistency {
    return this.#identity.consistency;
  }

  /** The highest commit that the answer rests on; `null` if it rests on none. */
  get lsn(): Lsn | null {
    return this.#lsn;
  }

  /** Why the answer is the host's; `null` if it is the application's. */
  get failure(): HotspareError | null {
    return this.#failure;
  }

  /** Bytes of the body, as far as the client says. */
  get bodyBytes(): number {
    return Number(this.#request.headers["content-length"] ?? 0);
  }

  /**
   * The key of the write with this name.
   * @throws {HotspareError} HS_WRITE_MISUSE if the request may not make this write.
   */
  claimWrite(name: string | null): SettlementKey | null {
    const { key, firstSentLogTimeMs } = this.#identity;
    const misuse = this.#misuse(name);
    if (misuse) throw new HotspareError("HS_WRITE_MISUSE", { reason: misuse });
    const requestHash = this.#hash?.digest();
    this.#names.add(name);
    if (key === null || requestHash === undefined) return null;
    return { key: scopedKey(key.source, key.scope, name), source: key.source, requestHash, firstSentLogTimeMs };
  }

  /** The answer rests on the state at `seen`. */
  sawLsn(seen: number): void {
    if (this.#lsn === null || seen > this.#lsn) this.#lsn = lsn(seen);
  }

  /** Takes the answer over if `error` is one that the application must not answer. */
  noteError(error: unknown): void {
    if (isHotspareError(error) && FINAL_CODES.has(error.code)) this.fail(error);
  }

  /** Takes the answer over. An unknown outcome prevails over what certainly did not happen. */
  fail(failure: HotspareError): void {
    const first = this.#failure === null;
    if (first || failure.code === "HS_OUTCOME_UNKNOWN") this.#failure = failure;
    const { raw } = this.#reply;
    if (raw.writableEnded) return;
    if (raw.headersSent || this.#mustCut(failure)) return void raw.destroy();
    if (first) this.#guardHead();
  }

  /** A proxy sends a request again whose connection broke; its key makes that safe. Any answer would end it. */
  #mustCut(failure: HotspareError): boolean {
    return failure.code === "HS_OUTCOME_UNKNOWN" && this.#identity.relayed;
  }

  /** A hook can be passed by (a hijacked reply, an answer already under way, a hook of the application's), the head cannot. */
  #guardHead(): void {
    const { raw } = this.#reply;
    const writeHead = raw.writeHead.bind(raw) as (...rest: readonly unknown[]) => typeof raw;
    raw.writeHead = (status: number, ...rest: readonly unknown[]) => {
      if (this.#failure === null) return writeHead(status, ...rest);
      this.#force(this.#reply, this.#failure);
      return writeHead(this.#failure.status, ...rest);
    };
  }

  #misuse(name: string | null): string | null {
    if (SAFE_METHODS.has(this.#request.method)) return `a ${this.#request.method} request must not write`;
    if (this.#reply.raw.writableEnded) return "the answer was already sent";
    if (!this.#names.has(name)) return null;
    return name === null
      ? "a second write in one request needs a name"
      : `this request has a write named ${name} already`;
  }
}
