/**
 * One client of a run: one request after the other, reads, writes and transactions of every method and of any size. Its
 * objects are its own, so that it knows every byte that each answer must have; accounts it shares with all others.
 */
import type { Dice } from "../../simulation/dice.ts";
import { stoppableWait } from "../stoppable-wait.ts";
import { ABSENT } from "./app.ts";
import { digestOf, filling } from "./filling.ts";
import { Sender, type Answer, type Method, type SentRequest } from "./sender.ts";
import type { Tally } from "./tally.ts";

/** A part of an object: what a write brought. */
interface Part {
  readonly name: string;
  readonly bytes: number;
}

interface Slot {
  readonly id: string;
  /** `null`: it does not exist. */
  readonly parts: readonly Part[] | null;
}

interface WriteShape {
  readonly method: Exclude<Method, "GET" | "HEAD">;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What is wrong with an answer, if anything is. */
type Check = (answer: Answer) => string | null;

export const LEAST_BYTES = 1024;
export const MOST_BYTES = 5_000_000;
const MOST_USUAL_BYTES = 32 * 1024;
const SLOTS = 3;
const ACCOUNTS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const MOST_THOUGHT_MS = 250;

export class RequestClient {
  readonly sender: Sender;
  readonly #name: string;
  readonly #dice: Dice;
  readonly #tally: Tally;
  readonly #slots: Slot[];
  #writes = 0;

  constructor(
    name: string,
    { url, dice, tally }: { readonly url: string; readonly dice: Dice; readonly tally: Tally },
  ) {
    this.#name = name;
    this.#dice = dice;
    this.#tally = tally;
    this.sender = new Sender(url);
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => ({ id: `${name}.${slot}.0`, parts: null }));
  }

  async run(ended: AbortSignal): Promise<void> {
    while (!ended.aborted && !this.#tally.full) {
      await this.#step();
      await stoppableWait(this.#dice.between(0, MOST_THOUGHT_MS), ended);
    }
  }

  /** Once all is healed: what it wrote is there, to the last byte. */
  async readAll(): Promise<void> {
    for (const slot of this.#slots.keys()) await this.#read("GET", slot);
    await this.#readAccounts();
  }

  async #step(): Promise<void> {
    const slot = this.#dice.whole(0, SLOTS - 1);
    const roll = this.#dice.next();
    if (roll < 0.22) return this.#read("GET", slot);
    if (roll < 0.3) return this.#read("HEAD", slot);
    if (roll < 0.38) return this.#readAccounts();
    if (roll < 0.5) return this.#transfer();
    if (roll < 0.6) return this.#putSeveral(slot);
    const bytes = this.#size();
    const { parts } = this.#slotAt(slot);
    if (parts === null || roll < 0.8) return this.#put(slot, bytes);
    if (roll < 0.9 && sizeOf(parts) + bytes <= MOST_BYTES) return this.#patch(slot, bytes);
    return this.#remove(slot);
  }

  async #read(method: "GET" | "HEAD", slot: number): Promise<void> {
    const { id, parts } = this.#slotAt(slot);
    const meant = parts === null ? ABSENT : contentsOf(parts);
    const check = method === "GET" ? isBody(meant) : isHeadOf(meant);
    await this.#ask(
      { method, path: `/objects/${id}`, body: null, framing: "length" },
      parts === null ? 404 : 200,
      check,
    );
  }

  async #readAccounts(): Promise<void> {
    const path = `/accounts?answer=${this.#size()}`;
    await this.#ask({ method: "GET", path, body: null, framing: "length" }, 200, ({ body }) => {
      const accounts = JSON.parse(body.toString("utf8")) as readonly { readonly n: number }[];
      const sum = accounts.reduce((all, { n }) => all + n, 0);
      return sum === 0 ? null : `the accounts' sum is ${sum}`;
    });
  }

  async #transfer(): Promise<void> {
    const [from, to] = [this.#dice.pick(ACCOUNTS), this.#dice.pick(ACCOUNTS)];
    const query = { from, to, amount: String(this.#dice.whole(1, 100)) };
    await this.#write({ method: "POST", path: "/transfers", query, body: filling("padding", this.#size()) });
  }

  async #putSeveral(first: number): Promise<void> {
    const slots = Array.from({ length: this.#dice.whole(2, SLOTS) }, (_, n) => (first + n) % SLOTS);
    const bytes = Math.max(LEAST_BYTES, Math.floor(this.#size() / slots.length));
    const parts = slots.map((slot) => ({ name: `${this.#nextWrite} for ${slot}`, bytes }));
    const query = { ids: slots.map((slot) => this.#slotAt(slot).id).join() };
    const done = await this.#write({ method: "POST", path: "/objects", query, body: contentsOf(parts) });
    slots.forEach((slot, n) => this.#settle(slot, done, parts.slice(n, n + 1)));
  }

  async #put(slot: number, bytes: number): Promise<void> {
    const parts = [{ name: this.#nextWrite, bytes }];
    this.#settle(slot, await this.#writeTo(slot, "PUT", contentsOf(parts)), parts);
  }

  async #patch(slot: number, bytes: number): Promise<void> {
    const part = { name: this.#nextWrite, bytes };
    const done = await this.#writeTo(slot, "PATCH", contentsOf([part]));
    this.#settle(slot, done, [...(this.#slotAt(slot).parts ?? []), part]);
  }

  async #remove(slot: number): Promise<void> {
    this.#settle(slot, await this.#writeTo(slot, "DELETE"), null);
  }

  #writeTo(slot: number, method: "PUT" | "PATCH" | "DELETE", body?: Buffer): Promise<boolean> {
    return this.#write({ method, path: `/objects/${this.#slotAt(slot).id}`, ...(body ? { body } : {}) });
  }

  /** @returns whether it was acknowledged; if not, nobody knows whether it took effect. */
  async #write({ method, path, query = {}, body }: WriteShape): Promise<boolean> {
    const write = this.#nextWrite;
    this.#writes += 1;
    const bytes = this.#dice.chance(0.05) ? 0 : this.#size();
    const target = `${path}?${new URLSearchParams({ ...query, write, answer: String(bytes) }).toString()}`;
    const framing = this.#dice.chance(0.3) ? "chunks" : "length";
    const meant = bytes === 0 ? Buffer.alloc(0) : filling(`answer ${write}`, bytes);
    const request = { method, path: target, body: body ?? null, framing } as const;
    const done = await this.#ask(request, bytes === 0 ? 204 : 200, isBody(meant));
    (done ? this.#tally.acknowledged : this.#tally.open).add(write);
    return done;
  }

  /** @returns whether the status is the one that was meant; the content of the answer is judged apart. */
  async #ask(request: SentRequest, status: number, check: Check): Promise<boolean> {
    const beganMs = this.#tally.begin();
    const name = `${request.method} ${request.path} with ${request.body?.length ?? 0} bytes in ${request.framing}`;
    const answer = await this.sender.send(request).catch((error: NodeJS.ErrnoException) => error);
    const done = !(answer instanceof Error) && answer.status === status;
    this.#tally.end(beganMs, request.method, done);
    this.#tally.sentBytes += request.body?.length ?? 0;
    if (done) this.#judge(name, answer, check);
    else
      this.#tally.fail({ client: this.#name, request: name, beganMs, atMs: performance.now(), ...failureOf(answer) });
    return done;
  }

  #judge(request: string, answer: Answer, check: Check): void {
    this.#tally.receivedBytes += answer.body.length;
    const mistake = digestMistake(answer) ?? check(answer);
    if (mistake !== null) this.#tally.mistake(`${this.#name} ${request}: ${mistake}`);
  }

  /** What a slot holds after a write; after one that failed it is given up for another, for nobody knows what it holds. */
  #settle(slot: number, done: boolean, parts: readonly Part[] | null): void {
    this.#slots[slot] = done
      ? { id: this.#slotAt(slot).id, parts }
      : { id: `${this.#name}.${slot}.${this.#writes}`, parts: null };
  }

  #slotAt(slot: number): Slot {
    return this.#slots[slot]!;
  }

  get #nextWrite(): string {
    return `${this.#name}-${this.#writes + 1}`;
  }

  #size(): number {
    if (this.#dice.chance(0.003)) return MOST_BYTES;
    return Math.floor(this.#dice.spread(LEAST_BYTES, this.#dice.chance(0.1) ? MOST_BYTES : MOST_USUAL_BYTES));
  }
}

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);

const contentsOf = (parts: readonly Part[]): Buffer =>
  Buffer.concat(parts.map(({ name, bytes }) => filling(name, bytes)));

const isBody =
  (meant: Buffer): Check =>
  ({ body }) => {
    if (body.length !== meant.length) return `${body.length} bytes instead of ${meant.length}`;
    return body.equals(meant) ? null : "another content than was meant";
  };

const isHeadOf =
  (meant: Buffer): Check =>
  ({ bytes, digest, body }) => {
    if (body.length > 0) return `${body.length} bytes in the answer to HEAD`;
    if (bytes !== meant.length) return `${bytes} bytes announced instead of ${meant.length}`;
    return digest === `sha-256=:${digestOf(meant)}:` ? null : "another digest than was meant";
  };

/** An answer with a body has the application's digest of it. */
function digestMistake({ status, body, digest, bytes }: Answer): string | null {
  if (status === 204 || (body.length === 0 && bytes !== 0)) return null;
  return digest === `sha-256=:${digestOf(body)}:` ? null : "the body is not that of its digest";
}

function failureOf(answer: Answer | NodeJS.ErrnoException): { readonly kind: string; readonly detail: string } {
  if (answer instanceof Error) return { kind: answer.code ?? "no answer", detail: answer.message };
  const detail = answer.body.toString("utf8", 0, 300);
  return { kind: `${answer.status} ${/"code":"(\w+)"/.exec(detail)?.[1] ?? ""}`.trim(), detail };
}
