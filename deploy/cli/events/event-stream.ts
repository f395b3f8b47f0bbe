/** Reads server-sent events: the data of each, and the number from which to go on when the connection is lost. */

/** An event that is longer is dropped. */
const MAX_EVENT_CHARACTERS = 1024 * 1024;

export class EventStream {
  readonly #heard: (data: string) => void;
  #lastNumber: number;
  #rest = "";

  constructor(lastNumber: number, heard: (data: string) => void) {
    this.#lastNumber = lastNumber;
    this.#heard = heard;
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** A new connection: what the last one broke off is not continued. */
  begin(): void {
    this.#rest = "";
  }

  add(text: string): void {
    const parts = `${this.#rest}${text}`.split("\n\n");
    const rest = parts.pop() ?? "";
    this.#rest = rest.length > MAX_EVENT_CHARACTERS ? "" : rest;
    for (const part of parts) this.#take(part);
  }

  #take(part: string): void {
    const fields = new Map(part.split("\n").map((line) => [line.split(":")[0], line.replace(/^[^:]*: ?/, "")]));
    const [data, id] = [fields.get("data"), Number(fields.get("id"))];
    if (data === undefined) return;
    if (Number.isSafeInteger(id)) this.#lastNumber = id;
    this.#heard(data);
  }
}
