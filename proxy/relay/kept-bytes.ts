/** How many bytes of requests' bodies and of held answers one pool keeps, over all requests. What finds no room is not kept. */
export class KeptBytes {
  #bound: number;
  #kept = 0;

  constructor(boundBytes: number) {
    this.#bound = boundBytes;
  }

  get kept(): number {
    return this.#kept;
  }

  /** For what comes from now on. */
  set bound(boundBytes: number) {
    this.#bound = boundBytes;
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
