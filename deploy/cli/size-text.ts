/** A number of bytes for people: `1.5 MiB`. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
const STEP = 1024;

export function sizeText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(STEP)));
  const value = bytes / STEP ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${UNITS[step]}`;
}
