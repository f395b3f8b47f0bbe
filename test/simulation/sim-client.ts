/**
 * A client: one operation at a time, over HTTP, as any client would. With a key of its own it asks again until it knows;
 * without one it takes what it is told, and where nobody knows the outcome stays open for ever.
 */
import { request, type IncomingHttpHeaders } from "node:http";
import type { Address } from "../../shared/config/config.ts";
import { CONSISTENCY_FIELD, LSN_FIELD } from "../../shared/wire/fields.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import type { RegisterCall } from "../checkers/linearizability.ts";
import type { Outcome } from "../checkers/timed-call.ts";
import { check } from "./history.ts";
import type { Operation } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import { SENT_FIELD, type Asked, type Told } from "./sim-app.ts";
import type { World } from "./world.ts";

const REGISTERS = ["a", "b", "c"];
const PATIENCE_MS = 4_000;
const RETRY_MS = 20;
/** These say that nothing was applied, and that this will stay so. */
const DEFINITE: ReadonlySet<string> = new Set([
  "HS_NOT_PRIMARY",
  "HS_NOT_APPLIED",
  "HS_PARK_FULL",
  "HS_PARKED_TOO_LONG",
  "HS_VAULT_FULL",
  "HS_VAULT_UNWRITABLE",
  "HS_WRITE_OVERLOAD",
]);

interface Going {
  readonly operation: Operation;
  readonly keyed: boolean;
  readonly expected: number | null | undefined;
  attempts: number;
}

type Answer =
  | { readonly type: "answered"; readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }
  | { readonly type: "broken" };

export class SimClient {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #targets: readonly Address[];
  readonly #proxied: boolean;
  readonly #agent: DialingAgent;
  #count = 0;
  #stopped = false;
  #shown: number | null = null;
  /** The highest LSN that any answer carried. */
  #session = 0;
  waiting = false;

  constructor(world: World, machine: Machine, targets: readonly Address[], { proxied }: { readonly proxied: boolean }) {
    this.#world = world;
    this.#machine = machine;
    this.#targets = targets;
    this.#proxied = proxied;
    machine.start();
    this.#agent = new DialingAgent(machine.sockets(), { keepAlive: true, maxSockets: 8 });
  }

  start(): void {
    this.#later(this.#world.swarm.thinkMs, () => this.#begin());
  }

  /** The operation under way is still finished. */
  stop(): void {
    this.#stopped = true;
  }

  close(): void {
    this.#agent.destroy();
  }

  #begin(): void {
    if (this.#stopped) return;
    const { dice, scheduler, ledger } = this.#world;
    this.#count += 1;
    if (dice.chance(0.1)) return void this.#readInSession();
    if (dice.chance(0.01)) void this.#send("POST", "/checkpoint", {}, "{}");
    const kind = dice.chance(0.6) ? "write" : "read";
    const operation: Operation = {
      key: `${this.#machine.id}-${this.#count}`,
      kind,
      register: dice.pick(REGISTERS),
      value: Number(this.#machine.id.split("-")[1]) * 1_000_000 + this.#count,
      invokedMs: scheduler.nowMs,
      floorLsn: ledger.shownLsn,
    };
    this.waiting = true;
    const expected = kind === "write" && dice.chance(0.2) ? this.#shown : undefined;
    // Directly at a host nobody else would settle what was in flight.
    const keyed = dice.chance(this.#proxied ? 0.5 : 0.7);
    void this.#attempt({ operation, keyed, expected, attempts: 0 });
  }

  /** Of whichever host: it shows what this client was shown before, or says that it cannot. */
  async #readInSession(): Promise<void> {
    const { log, dice } = this.#world;
    const before = this.#session;
    const answer = await this.#send("GET", `/r/${dice.pick(REGISTERS)}`, { [LSN_FIELD]: String(before) }, "");
    const after = answer.type === "answered" && answer.status === 200 ? Number(answer.headers[LSN_FIELD]) : null;
    log.note(after === null ? "session read refused" : "session read");
    this.#guarded(() =>
      check(after === null || after >= before, "I7", () => `a session went back from ${before} to ${after}`),
    );
    this.#session = Math.max(before, after ?? 0);
    this.#later(this.#world.swarm.thinkMs, () => this.#begin());
  }

  async #attempt(going: Going): Promise<void> {
    const { operation, keyed } = going;
    going.attempts += 1;
    const headers: Record<string, string> = {
      [SENT_FIELD]: String(operation.kind === "read" ? this.#world.scheduler.nowMs : operation.invokedMs),
      ...(keyed && operation.kind === "write" ? { "idempotency-key": operation.key } : {}),
      ...(operation.kind === "read" ? { [CONSISTENCY_FIELD]: "linearizable" } : {}),
    };
    const { key, value } = operation;
    const asked: Asked = { key, value, ...(going.expected === undefined ? {} : { expected: going.expected }) };
    const [method, body] = operation.kind === "write" ? ["PUT", JSON.stringify(asked)] : ["GET", ""];
    const answer = await this.#send(method, `/r/${operation.register}`, headers, body);
    this.#world.log.add(
      this.#machine.id,
      `${operation.kind} ${key}`,
      answer.type === "answered" ? `${answer.status} ${answer.text.slice(0, 80)}` : "broken",
    );
    this.#onAnswer(going, answer);
  }

  #onAnswer(going: Going, answer: Answer): void {
    if (answer.type === "answered" && answer.status === 200) {
      this.#session = Math.max(this.#session, Number(answer.headers[LSN_FIELD] ?? 0));
      return this.#onDone(going, answer.text);
    }
    const { operation, keyed } = going;
    const code = answer.type === "answered" ? codeOf(answer.text) : "broken";
    this.#world.log.note(`answer ${code}`);
    const isOnly = operation.kind === "write" && !keyed && going.attempts === 1;
    if (isOnly && DEFINITE.has(code)) this.#world.history.denyKey(operation.key);
    const mayAskAgain = keyed || operation.kind === "read";
    if (!mayAskAgain || code === "HS_KEY_EXPIRED" || this.#world.dice.chance(0.05)) {
      return this.#end(going, isOnly && DEFINITE.has(code) ? { outcome: "fail" } : { outcome: "unknown" });
    }
    this.#later(RETRY_MS, () => void this.#attempt(going));
  }

  #onDone(going: Going, text: string): void {
    const { operation, expected, keyed } = going;
    const { ledger, dice } = this.#world;
    const found = JSON.parse(text) as Told & { readonly value: number | null };
    const answered = { lsn: found.lsn, value: null, epoch: 0, replayed: false };
    this.#guarded(() => {
      if (operation.kind === "read" || found.done) ledger.finished(operation, answered);
    });
    this.#shown = operation.kind === "read" ? found.value : found.done ? operation.value : found.held;
    // A settled key asked for again must give the same answer.
    if (operation.kind === "write" && keyed && expected === undefined && dice.chance(0.05)) {
      const headers = { "idempotency-key": operation.key, [SENT_FIELD]: String(operation.invokedMs) };
      const asked: Asked = { key: operation.key, value: operation.value };
      void this.#send("PUT", `/r/${operation.register}`, headers, JSON.stringify(asked));
    }
    const refused = operation.kind === "write" && !found.done;
    this.#end(going, { outcome: refused ? "fail" : "ok", refused, value: found.value });
  }

  #end({ operation, expected }: Going, ended: Ended): void {
    this.waiting = false;
    this.#world.calls.push(callOf(this.#machine.id, this.#world.scheduler.nowMs, { operation, expected }, ended));
    this.#later(this.#world.swarm.thinkMs, () => this.#begin());
  }

  #send(method: string, path: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const { dice, promised } = this.#world;
    const { host, port } = dice.pick(this.#targets);
    promised();
    return new Promise((resolve) => {
      const fields = {
        ...headers,
        ...(body === ""
          ? {}
          : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
      };
      const sent = request({ host, port, agent: this.#agent, method, path, headers: fields }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("error", () => resolve({ type: "broken" }));
        answer.on("end", () =>
          resolve({ type: "answered", status: answer.statusCode ?? 0, headers: answer.headers, text }),
        );
      });
      sent.on("error", () => resolve({ type: "broken" }));
      sent.end(body);
      this.#machine.process.later(PATIENCE_MS, () => {
        promised();
        sent.destroy();
        resolve({ type: "broken" });
      });
    });
  }

  #later(meanMs: number, run: () => void): void {
    this.#machine.process.later(meanMs * this.#world.dice.between(0, 2), () => {
      this.#world.promised();
      run();
    });
  }

  #guarded(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      this.#world.failed(error);
    }
  }
}

interface Ended {
  readonly outcome: Outcome;
  readonly refused?: boolean;
  readonly value?: number | null;
}

/** As the checker of linearizability wants it. */
function callOf(
  process: string,
  completedMs: number,
  { operation, expected }: Pick<Going, "operation" | "expected">,
  { outcome, refused = false, value = null }: Ended,
): RegisterCall {
  const { register: key, kind, invokedMs, value: to } = operation;
  const timed = { process, key, invokedMs, completedMs: outcome === "unknown" ? null : completedMs, outcome };
  if (kind === "read") return { ...timed, call: "read", value };
  return expected === undefined
    ? { ...timed, call: "write", value: to }
    : { ...timed, call: "cas", from: expected, to, refused };
}

function codeOf(text: string): string {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? "no code";
  } catch {
    return "no code";
  }
}
