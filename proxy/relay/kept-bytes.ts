/** How many bytes of request bodies one pool keeps for replay, over all requests. A request that finds no room is not kept. */
export class KeptBytes {
  readonly #bound: number;
  #kept = 0;

  constructor(boundBytes: number) {
    this.#bound = boundBytes;
  }

  get kept(): number {
    return this.#kept;
  }

  take(bytes: number): boolean {
    if (this.#kept + bytes > this.#bound) return false;
    this.#kept += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#kept -= bytes;
  }
}
