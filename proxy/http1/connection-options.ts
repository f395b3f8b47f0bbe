/** The `Connection` field (RFC 9110, 7.6.1): what holds for this connection only, and which fields go no further. */

/** A sender cannot have these removed by naming them: others rely on them. */
const PROTECTED =
  /^(?:host|date|content-.*|authorization|cookie|set-cookie|via|forwarded|x-forwarded-.*|hotspare-.*|idempotency-key|if-.*|range|accept.*|prefer|traceparent|tracestate)$/;
/** These belong to one connection whether they are named or not. */
const ALWAYS_DROPPED: ReadonlySet<string> = new Set(["close", "keep-alive", "upgrade", "te"]);
const NO_NAMES: ReadonlySet<string> = new Set();

export class ConnectionOptions {
  closes = false;
  keepsAlive = false;
  upgrades = false;
  /** Fields that go no further because they were named, in lower case. */
  named: ReadonlySet<string> = NO_NAMES;

  add(value: string): void {
    if (value === "keep-alive") return void (this.keepsAlive = true);
    for (const part of value.toLowerCase().split(",")) this.#addOption(part.trim());
  }

  #addOption(option: string): void {
    if (option === "close") this.closes = true;
    if (option === "keep-alive") this.keepsAlive = true;
    if (option === "upgrade") this.upgrades = true;
    if (option === "" || ALWAYS_DROPPED.has(option) || PROTECTED.test(option)) return;
    this.named = new Set(this.named).add(option);
  }
}

/** The lines of `lines` whose names are not among `names`. */
export function withoutNamed(lines: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return lines;
  const kept = lines.split("\r\n").filter((line) => line !== "" && !names.has(nameOf(line)));
  return kept.map((line) => `${line}\r\n`).join("");
}

const nameOf = (line: string): string => line.slice(0, line.indexOf(":")).toLowerCase();
