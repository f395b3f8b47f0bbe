/** What one seed came to. */
export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly epochs: number;
  /** The same for the same run. */
  readonly hash: string;
  /** How often each rare thing happened. */
  readonly seen: ReadonlyMap<string, number>;
  /** `text`: what happened last, for people. */
  readonly failure: { readonly invariant: string; readonly reason: string; readonly text: string } | null;
}
