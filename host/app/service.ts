/** What `serve` gives back. */
export interface Service {
  /** `host:port` where it listens, with the port that was given. */
  readonly address: string;
  /** Stops accepting, finishes what is under way for a bounded time, closes the state. Idempotent. */
  close(): Promise<void>;
}
