/** Compressed bytes that are not one whole, intact frame of at most the declared size. The data is at fault, not the I/O. */
export class InflateError extends Error {
  constructor(reason: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.name = "InflateError";
  }
}

export const tooLarge = (maxBytes: number): InflateError =>
  new InflateError(`it inflates to more than the declared ${maxBytes} bytes`);
export const trailing = (): InflateError => new InflateError("there is something behind the compressed data");
export const truncated = (): InflateError => new InflateError("the compressed data ends too early");
