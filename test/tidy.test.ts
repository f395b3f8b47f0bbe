/**
 * Rules of the house that no linter checks. Each failure names the file and line and says what to use instead.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../shared/errors.ts";
import { codeOf, readSource, root, type SourceFile } from "./source-code.ts";

interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  readonly use: string;
  readonly allowed: (path: string) => boolean;
}

/** Where the real clock and the real chance are named. */
const isEntry = (path: string): boolean =>
  /(?:^|\/)main\.ts$|-thread\.ts$/.test(path) || path.startsWith("deploy/cli/") || path === "deploy/build.ts";
const isClock = (path: string): boolean => path === "shared/system-clock.ts" || isEntry(path);
const isRandom = (path: string): boolean => path === "shared/random.ts" || isEntry(path);
const nowhere = (): boolean => false;

/** Who may read a wall clock, and what for: none of it decides what is true. */
const WALL_CLOCK: Readonly<Record<string, string>> = {
  "shared/system-clock.ts": "it is the clock",
  "shared/clock.ts": "it is the interface",
  "shared/vault/memory-vault.ts": "a clock that stands still",
  "shared/wire/message-server.ts": "signatures, and the window of messages that change nothing of safety",
  "shared/wire/message-client.ts": "signatures",
  "shared/tls/tls-watch.ts": "whether a certificate has expired, shown to people",
  "shared/clocks/peer-clocks.ts": "comparing clocks is its purpose",
  "proxy/heartbeats.ts": "a time stamp for comparing clocks",
  "host/control-listener.ts": "a time stamp for comparing clocks",
  "shared/vault/write-probe.ts": "shown to people",
  "host/hint-writer.ts": "shown to people",
  "host/receipt-writer.ts": "shown to people",
  "host/checkpoint/make-checkpoint.ts": "shown to people",
  "host/host-metrics.ts": "the age of a checkpoint, shown to people",
  "host/pool.ts": "shown to people, in the fence",
  "proxy/note-feed.ts": "shown to people",
  "host/owner-probe.ts": "a time stamp for comparing clocks",
  "host/handover.ts": "a time stamp for comparing clocks",
  "host/hooks/role-hooks.ts": "when something happened, for people",
  "host/hooks/call-hook.ts": "signatures",
  "host/operations.ts": "when a maintenance ends, on which no safety rests",
  "host/decision-keeper.ts": "when something was decided, for people",
  "proxy/gossiper.ts": "a time stamp for comparing clocks",
  "proxy/self-watch.ts": "when something was seen, for people",
  "proxy/relay/message-lines.ts": "the Date of an answer that came without one",
};
const readsWallClock = (path: string): boolean => path in WALL_CLOCK || isEntry(path);
/** Where it is decided what is written, applied, acknowledged and believed. */
const isSafety = (path: string): boolean => /^(?:host\/core|host\/store|shared\/journal|shared\/vault)\//.test(path);

const BANS: readonly Ban[] = [
  { name: "Date.now", pattern: /\bDate\.now\b/, use: "the Clock that you are given", allowed: isClock },
  { name: "new Date()", pattern: /\bnew Date\(\)/, use: "the Clock that you are given", allowed: isClock },
  { name: "performance.now", pattern: /\bperformance\.now\b/, use: "the Clock that you are given", allowed: isClock },
  { name: "process.hrtime", pattern: /\bprocess\.hrtime\b/, use: "the Clock that you are given", allowed: isClock },
  { name: "a timer", pattern: /\b(?:setTimeout|setInterval)\s*\(/, use: "Clock.after or sleep", allowed: isClock },
  {
    name: "AbortSignal.timeout",
    pattern: /\bAbortSignal\.timeout\b/,
    use: "Clock.after and an AbortController",
    allowed: isClock,
  },
  {
    name: "a wall clock",
    pattern: /\bwallMs\(\)/,
    use: "monotonicMs: no rule of safety reads a wall clock",
    allowed: readsWallClock,
  },
  {
    name: "what is known of clocks",
    pattern: /\b\w*(?:[Qq]uarantine|ClockOffset|PeerClocks)\w*\b/,
    use: "nothing: no rule of safety knows whose clock is right",
    allowed: (path) => !isSafety(path),
  },
  { name: "Math.random", pattern: /\bMath\.random\b/, use: "the Random that you are given", allowed: isRandom },
  { name: "randomBytes", pattern: /\brandomBytes\b/, use: "the Random that you are given", allowed: isRandom },
  {
    name: "randomUUID",
    pattern: /\brandomUUID\b/,
    use: "randomId with the Random that you are given",
    allowed: isRandom,
  },
  { name: "export *", pattern: /^export \*/m, use: "the file that has the name", allowed: nowhere },
  { name: "enum", pattern: /^\s*(?:export )?(?:const )?enum\s/m, use: "a union of literals", allowed: nowhere },
  { name: "namespace", pattern: /^\s*(?:export )?(?:declare )?namespace\s/m, use: "a file", allowed: nowhere },
];

/** Files that may be longer than 300 lines, each with its reason. */
const LONG: Readonly<Record<string, string>> = {
  "host/pool.ts": "the one object that a pool is on a host: what it is asked from three sides, in one place",
  "host/host.ts": "the one place where the parts of a host are made and tied together",
};
const LONGEST = 300;

const source = readSource("shared", "host", "proxy", "deploy", "examples");
const tests = readSource("test");

describe("the source", () => {
  it.each(BANS)("has no $name where it is banned", ({ name, pattern, use, allowed }) => {
    const found = source.filter(({ path }) => !allowed(path)).flatMap((file) => linesWith(file, pattern));
    expect(found.map((place) => `${place}: ${name} is banned, use ${use}`)).toEqual([]);
  });

  it("has no work that is put off in a comment: write an issue", () => {
    const marks = new RegExp(["TO", "DO|FIX", "ME|X", "XX"].join(""));
    const found = [...source, ...tests].flatMap((file) => linesWith({ ...file, code: file.text }, marks));
    expect(found).toEqual([]);
  });

  it("has no file whose name says nothing: name it after what it holds", () => {
    const found = [...source, ...tests].filter(({ path }) =>
      /^(?:utils?|helpers?|misc|common|index|types)\./.test(basename(path)),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it(`has no file of more than ${LONGEST} lines but those that say why: split it by nouns`, () => {
    const long = source.filter(({ path, text }) => text.split("\n").length - 1 > LONGEST && !(path in LONG));
    expect(long.map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`)).toEqual([]);
  });

  it("has a header in each file: what it is, why, how it can fail", () => {
    const bare = source.filter(({ text }) => !/^(?:#!.*\n)?(?:import [^\n]*\n)*\s*\/\*/.test(text));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  it("has kebab-case names", () => {
    const found = [...source, ...tests].filter(
      ({ path }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*$/.test(basename(path)),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  it("starts every thread that it has", () => {
    const threads = source.map(({ path }) => basename(path, ".ts")).filter((name) => name.endsWith("-thread"));
    const idle = threads.filter(
      (name) => !source.some(({ path, text }) => basename(path, ".ts") !== name && text.includes(name)),
    );
    expect(idle).toEqual([]);
  });
});

describe("docs/errors.md", () => {
  const sections = errorSections();
  const codes = Object.keys(ERRORS) as ErrorCode[];

  it.each(codes)("explains %s and gives its HTTP status, exit code and whether to try again", (code) => {
    const { status, exit, retry } = ERRORS[code];
    const [facts, ...text] = sections.get(code) ?? [];
    expect(facts).toBe(
      `HTTP ${status} · exit ${exit} · ${retry ? "may pass by itself" : "stays until something is changed"}`,
    );
    expect(text.join(" ").length).toBeGreaterThan(40);
  });

  it("explains no code that does not exist", () => {
    expect([...sections.keys()].filter((code) => !codes.includes(code as ErrorCode))).toEqual([]);
  });

  it("has the codes in the order of the table", () => {
    expect([...sections.keys()]).toEqual(codes);
  });
});

/** By code: the lines under its heading that are not empty. */
function errorSections(): ReadonlyMap<string, readonly string[]> {
  const [, ...parts] = readFileSync(join(root, "docs/errors.md"), "utf8").split(/^### /m);
  const sections = parts.map((part) =>
    part.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("## ")),
  );
  return new Map(sections.map(([heading, ...lines]) => [heading?.trim() ?? "", lines]));
}

describe("the reading of source", () => {
  it.each([
    ["a comment", "a(); // Date.now()\nend()", 0],
    ["a comment over lines", "a(); /* Date.now()\n */ end();", 0],
    ["a quote", 'a("Date.now()", \'"\'); end()', 0],
    ["a template with code in it", "a(`Date.now() ${b({ c: `x ${Date.now()} y` })} z`); end()", 1],
    ["a regular expression with a quote", "a(/[\"/]/, Date.now(), '\"'); end()", 1],
    ["a quotient", "const a = b / c; Date.now(); d / end();", 1],
  ])("is not misled by %s", (_, text, times) => {
    const code = codeOf(text);
    expect(code.split("Date.now").length - 1).toBe(times);
    expect(code).toContain("end()");
    expect(code.length).toBe(text.length);
  });
});

function linesWith({ path, code }: SourceFile, pattern: RegExp): readonly string[] {
  return code.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : []));
}
