/** Sizes as people write them: a number and a binary unit, such as `256MiB`. `0` needs no unit. */
const UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;
const SIZE = /^(\d{1,16}(?:\.\d{1,3})?)(B|KiB|MiB|GiB|TiB)$/;

/** Bytes, or `null` if `text` is no size or not a whole number of bytes. */
export function parseByteSize(text: string): number | null {
  if (text === "0") return 0;
  const match = SIZE.exec(text);
  if (!match) return null;
  const bytes = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest way to write `bytes` that `parseByteSize` reads back as the same number. */
export function formatByteSize(bytes: number): string {
  if (bytes === 0) return "0";
  const units = Object.entries(UNITS).toReversed();
  const [unit, factor] = units.find(([, size]) => bytes % size === 0) ?? ["B", 1];
  return `${bytes / factor}${unit}`;
}
