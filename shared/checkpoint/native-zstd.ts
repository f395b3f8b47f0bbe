/** zstd by the optional native package, driven block by block, so that the bound is checked before each next block. */
import { createRequire } from "node:module";
import { reasonOf } from "../errors.ts";
import { InflateError, tooLarge, trailing, truncated } from "./inflate-error.ts";
import { LEVEL, MAX_WINDOW_LOG, OUTPUT_BYTES, type Chunks, type Zstd } from "./zstd.ts";

/** Bytes wanted or left, bytes produced, bytes consumed. */
type Step = readonly [remaining: number, produced: number, consumed: number];

interface Binding {
  readonly CCtx: new () => {
    setParameter(parameter: number, value: number): void;
    compressStream2(to: Uint8Array, from: Uint8Array, end: number): Step;
  };
  readonly DCtx: new () => {
    setParameter(parameter: number, value: number): void;
    decompressStream(to: Uint8Array, from: Uint8Array): Step;
  };
  readonly CParameter: { readonly compressionLevel: number; readonly checksumFlag: number };
  readonly DParameter: { readonly windowLogMax: number };
  readonly EndDirective: { readonly continue: number; readonly end: number };
}

/** `null` where the package is not installed or does not load here. */
export function loadNativeZstd(): Zstd | null {
  const binding = load();
  if (!binding) return null;
  return {
    name: "zstd-napi",
    compress: (source) => compress(binding, source),
    inflate: (source, maxBytes) => inflate(binding, source, maxBytes),
  };
}

function load(): Binding | null {
  try {
    return createRequire(import.meta.url)("zstd-napi/binding") as Binding;
  } catch {
    // It is optional: any reason not to load leaves node:zlib to do it.
    return null;
  }
}

async function* compress(binding: Binding, source: Chunks): AsyncGenerator<Buffer> {
  const context = new binding.CCtx();
  context.setParameter(binding.CParameter.compressionLevel, LEVEL);
  context.setParameter(binding.CParameter.checksumFlag, 1);
  const step = function* (from: Uint8Array, directive: number): Generator<Buffer> {
    for (let rest = from; ;) {
      const to = Buffer.allocUnsafe(OUTPUT_BYTES);
      const [remaining, produced, consumed] = context.compressStream2(to, rest, directive);
      if (produced > 0) yield to.subarray(0, produced);
      rest = rest.subarray(consumed);
      if (directive === binding.EndDirective.end ? remaining === 0 : rest.length === 0) return;
    }
  };
  for await (const chunk of source) yield* step(chunk, binding.EndDirective.continue);
  yield* step(Buffer.alloc(0), binding.EndDirective.end);
}

async function* inflate(binding: Binding, source: Chunks, maxBytes: number): AsyncGenerator<Buffer> {
  const context = new binding.DCtx();
  context.setParameter(binding.DParameter.windowLogMax, MAX_WINDOW_LOG);
  let total = 0;
  let ended = false;
  for await (const chunk of source) {
    if (ended && chunk.length > 0) throw trailing();
    for (let rest = chunk; !ended;) {
      const to = Buffer.allocUnsafe(OUTPUT_BYTES);
      const [remaining, produced, consumed] = decompressStep(() => context.decompressStream(to, rest));
      rest = rest.subarray(consumed);
      total += produced;
      if (total > maxBytes) throw tooLarge(maxBytes);
      if (produced > 0) yield to.subarray(0, produced);
      ended = remaining === 0;
      if (ended && rest.length > 0) throw trailing();
      if (rest.length === 0 && produced < to.length) break;
    }
  }
  if (!ended) throw truncated();
}

function decompressStep(run: () => Step): Step {
  try {
    return run();
  } catch (error) {
    throw new InflateError(reasonOf(error), { cause: error });
  }
}
