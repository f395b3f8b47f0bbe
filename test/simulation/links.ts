/** Which machines cannot reach which, one way or both. Cuts end by themselves. */
export class Links {
  readonly #now: () => number;
  readonly #cuts = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What `from` sends does not arrive at `to` until then. */
  cut(from: string, to: string, untilMs: number): void {
    this.#cuts.set(`${from} ${to}`, untilMs);
  }

  isCut(from: string, to: string): boolean {
    return this.#now() < (this.#cuts.get(`${from} ${to}`) ?? 0);
  }

  heal(): void {
    this.#cuts.clear();
  }
}
