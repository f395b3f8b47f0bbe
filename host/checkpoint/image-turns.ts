/** Which pools of a host may have an image thread now, where not every pool keeps one: so many at once, whoever comes first. */
export class ImageTurns {
  readonly #most: number;
  readonly #holders = new Set<object>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether `holder` has a turn now; it keeps it until `end`. Who has none comes again. */
  take(holder: object): boolean {
    if (this.#holders.has(holder)) return true;
    if (this.#holders.size >= this.#most) return false;
    this.#holders.add(holder);
    return true;
  }

  end(holder: object): void {
    this.#holders.delete(holder);
  }
}
