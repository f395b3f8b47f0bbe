/** A wall time for people: local, to the second. `2026-05-17 12:03:04`. */
export function wallText(wallMs: number): string {
  const date = new Date(wallMs);
  if (Number.isNaN(date.getTime())) return "unknown";
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The time of day alone, to the millisecond: for what follows quickly. `12:03:04.567`. */
export function clockText(wallMs: number): string {
  const date = new Date(wallMs);
  if (Number.isNaN(date.getTime())) return "unknown";
  const digits = (value: number, count: number): string => String(value).padStart(count, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((value) => digits(value, 2)).join(":");
  return `${time}.${digits(date.getMilliseconds(), 3)}`;
}
