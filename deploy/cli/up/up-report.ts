/** What `up` tells: lines for people, or a JSON object a line for programs. */
import { relative } from "node:path";
import { createColors } from "picocolors";
import { formatAddress, type Config, type TlsFiles } from "../../../shared/config/config.ts";
import type { CommandContext } from "../command.ts";
import type { LiveLine } from "../live-line.ts";
import type { LoadCounts, LoadProof } from "./load.ts";
import type { News } from "./node-news.ts";

export class UpReport {
  readonly #context: CommandContext;
  readonly #live: LiveLine;
  readonly #json: boolean;

  constructor(context: CommandContext, live: LiveLine, { json }: { readonly json?: true }) {
    this.#context = context;
    this.#live = live;
    this.#json = json ?? false;
  }

  note(text: string): void {
    this.#say({ event: "note", text }, text);
  }

  news({ kind, text }: News, node: string): void {
    const { colours, clock } = this.#context;
    const { dim, green, yellow } = createColors(colours);
    const colour = { news: String, serving: green, trouble: yellow }[kind];
    this.#say({ event: kind, node, text }, `${dim(timeOf(clock.wallMs()))} ${colour(text)}`);
  }

  /** Where to write and how to look: the last lines before the load's. */
  ready(config: Config): void {
    const front = config.proxies.length > 0 ? config.proxies : config.hosts;
    const { tls } = config;
    const entry = config.proxies.length > 0 ? tls.public : tls.data;
    const write = front.map(({ advertise }) => `${schemeOf(entry)}://${formatAddress(advertise)}`);
    const look = config.proxies.map(({ admin }) => `${schemeOf(tls.admin)}://${formatAddress(admin)}/`);
    this.#say({ event: "ready", write, look, config: config.file }, this.#readyText(config, write, look).join("\n"));
  }

  load(counts: LoadCounts): void {
    this.#say({ event: "load", ...counts }, loadText(counts));
  }

  /** `null`: nothing could be read back. */
  summary(counts: LoadCounts, proof: LoadProof | null): void {
    const verified = proof === null ? "could not be verified" : `verified present ${proof.verified}`;
    const because = counts.failure === null ? "" : ` (the last one: ${counts.failure})`;
    const text = `acknowledged ${counts.acknowledged}, ${verified}, failed ${counts.failed}${because}, longest pause ${counts.longestPauseMs} ms`;
    const { acknowledged, failed, longestPauseMs } = counts;
    const verifiedCount = proof?.verified ?? null;
    this.#say({ event: "summary", acknowledged, verified: verifiedCount, failed, longestPauseMs }, text);
  }

  #readyText({ file, pools }: Config, write: readonly string[], look: readonly string[]): readonly string[] {
    const { bold } = createColors(this.#context.colours);
    const [first = "", ...others] = write;
    const isSpaces = pools.some(({ app }) => app === "spaces");
    const curl = isSpaces
      ? `curl -X PUT ${first}/spaces/hello -H 'content-type: application/json' -d '{"title":"Hello"}'`
      : `curl ${first}/`;
    return [
      "",
      `Ready. Write to ${bold(first)}${others.length > 0 ? ` (or ${others.join(", ")})` : ""}:`,
      `  ${curl}`,
      ...(look.length > 0 ? [`Look at ${bold(look.join(" or "))}, or:`] : ["Look with:"]),
      `  ${this.#selfText()} status --config ${quote(placeOf(file))}`,
      "Ctrl-C stops it; the next start finds its data again.",
    ];
  }

  /** How a user starts this program: npm finds the right Node in a checkout, npx an installed package. */
  #selfText(): string {
    const [, main] = this.#context.program;
    if (!main.endsWith(".ts")) return "npx hotspare";
    const byNpm = this.#context.env["npm_lifecycle_event"] !== undefined;
    return byNpm ? "npm run -s hotspare --" : `node ${quote(placeOf(main))}`;
  }

  #say(json: Readonly<Record<string, unknown>>, text: string): void {
    this.#live.print(this.#json ? JSON.stringify({ atMs: this.#context.clock.wallMs(), ...json }) : text);
  }
}

/** For the live line, and the line a second where there is none. */
export function loadText({ acknowledged, failed, lastPauseMs, quietMs }: LoadCounts): string {
  const pause = quietMs >= NOTICED_MS ? `waiting for ${quietMs} ms` : `last pause ${lastPauseMs} ms`;
  return `acknowledged ${acknowledged}  failed ${failed}  ${pause}`;
}

const schemeOf = (files: TlsFiles | null): string => (files === null ? "http" : "https");

const NOTICED_MS = 200;

const timeOf = (wallMs: number): string => new Date(wallMs).toTimeString().slice(0, "hh:mm:ss".length);

/** As short as it can be from the working folder. */
function placeOf(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

/** For a shell. */
const quote = (path: string): string =>
  /^[\w./:@-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
