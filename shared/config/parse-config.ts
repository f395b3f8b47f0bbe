/**
 * From the text of `hotspare.yaml` to checked values. Everything that the table does not know is refused: a misspelt key
 * that is silently ignored is a setting that somebody believes in. The first fault in the file is the one reported.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from "yaml";
import { HotspareError } from "../errors.ts";
import { ConfigValues, type Collected } from "./config-values.ts";
import { didYouMean } from "./did-you-mean.ts";
import { SETTINGS, type SettingKey } from "./settings.ts";
import { CONFIG_SHAPE, type Shape } from "./shape.ts";
import { substitute, type Env } from "./substitute.ts";

/** @throws {HotspareError} HS_CONFIG_INVALID, naming file, line, key, what was found and what is accepted. */
export function parseConfig(text: string, file: string, env: Env): ConfigValues {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const collected: Collected = { file, values: new Map(), lengths: new Map(), lines: new Map([["", 1]]) };
  const reading: Reading = { text, env, document, counter, collected };
  refuseSyntax(reading);
  walk(reading, CONFIG_SHAPE, { path: "", node: document.contents, line: 1 });
  return new ConfigValues(collected);
}

/** Of one list. Aliases could make a small file a huge configuration. */
const MAX_ENTRIES = 1024;

interface Reading {
  readonly text: string;
  readonly env: Env;
  readonly document: Document;
  readonly counter: LineCounter;
  readonly collected: Collected;
}

interface Place {
  readonly path: string;
  readonly node: unknown;
  readonly line: number;
}

function refuseSyntax(reading: Reading): void {
  const [fault] = [...reading.document.errors, ...reading.document.warnings];
  if (!fault) return;
  const { line } = reading.counter.linePos(fault.pos[0]);
  const written = reading.text.split("\n")[line - 1] ?? "";
  const hint = /[{[].*\$\{/.test(written) ? "; inside { } or [ ] a value with ${…} needs quotes" : "";
  refuse(reading, { path: "(syntax)", line }, fault.message.split("\n")[0] ?? "", `YAML${hint}`);
}

function walk(reading: Reading, shape: Shape, place: Place): void {
  const node = resolve(reading, place.node);
  if (node) reading.collected.lines.set(place.path, place.line);
  switch (shape.type) {
    case "mapping":
      return walkMapping(reading, shape.keys, { ...place, node });
    case "list":
      return walkList(reading, shape.item, { ...place, node });
    case "value":
      return readValue(reading, shape.key, { ...place, node });
  }
}

/** An absent mapping is an empty one: what it needs is missed all the same. */
function walkMapping(reading: Reading, keys: ReadonlyMap<string, Shape>, place: Place): void {
  if (!isEmpty(place.node) && !isMap(place.node)) return refuseKind(reading, place, "a mapping");
  const pairs = isMap(place.node) ? place.node.items : [];
  const seen = new Set<string>();
  for (const pair of pairs) {
    const { name, line } = keyOf(reading, pair, place);
    const shape = keys.get(name) ?? refuseUnknown(reading, { path: join(place.path, name), line }, name, keys);
    seen.add(name);
    walk(reading, shape, { path: join(place.path, name), node: pair.value, line });
  }
  for (const [name, shape] of keys) {
    if (!seen.has(name)) walkAbsent(reading, shape, { ...place, path: join(place.path, name), node: undefined });
  }
}

function walkAbsent(reading: Reading, shape: Shape, place: Place): void {
  if (shape.type === "mapping") return walkMapping(reading, shape.keys, place);
  if (shape.type === "list" || SETTINGS[shape.key].fallback.type !== "needed") return;
  refuse(reading, place, "nothing", SETTINGS[shape.key].check.accepted);
}

function walkList(reading: Reading, item: Shape, place: Place): void {
  if (isEmpty(place.node)) return;
  if (!isSeq(place.node)) return refuseKind(reading, place, "a list");
  const entries = place.node.items;
  if (entries.length > MAX_ENTRIES) refuse(reading, place, `${entries.length} entries`, `at most ${MAX_ENTRIES}`);
  reading.collected.lengths.set(place.path, entries.length);
  for (const [index, node] of entries.entries()) {
    walk(reading, item, { path: `${place.path}[${index}]`, node, line: lineOf(reading, node) ?? place.line });
  }
}

function readValue(reading: Reading, key: SettingKey, place: Place): void {
  const { check } = SETTINGS[key];
  const filled = fill(reading, place, plain(reading, place.node));
  for (const written of [filled, ...asText(place.node)]) {
    const value = check.parse(written);
    if (value === undefined) continue;
    reading.collected.values.set(place.path, { key, written, value });
    return;
  }
  refuse(reading, place, describe(key, filled), check.accepted);
}

/** YAML takes an id of digits alone for a number. What was meant is what was written. */
function asText(node: unknown): readonly string[] {
  return isScalar(node) && typeof node.value === "number" && node.source !== undefined ? [node.source] : [];
}

/** Lists hold only single values: one that contains itself by an alias must not be followed. */
function plain(reading: Reading, node: unknown): unknown {
  if (isScalar(node)) return node.value;
  if (!isSeq(node)) return isMap(node) ? {} : null;
  return node.items.map((item) => resolve(reading, item)).map((item) => (isScalar(item) ? item.value : {}));
}

function fill(reading: Reading, place: Place, written: unknown): unknown {
  if (Array.isArray(written)) return written.map((item) => fill(reading, place, item));
  if (typeof written !== "string") return written;
  const result = substitute(written, reading.env);
  if (result.type === "text") return result.text;
  return refuse(reading, place, result.found, result.accepted);
}

function keyOf(reading: Reading, pair: Pair, place: Place): { readonly name: string; readonly line: number } {
  const line = lineOf(reading, pair.key) ?? place.line;
  if (isScalar(pair.key) && typeof pair.key.value === "string") return { name: pair.key.value, line };
  return refuse(reading, { ...place, line }, "a key that is no text", "keys that are text");
}

function refuseUnknown(
  reading: Reading,
  at: Pick<Place, "path" | "line">,
  name: string,
  keys: ReadonlyMap<string, Shape>,
): never {
  const meant = didYouMean(name, keys.keys());
  const accepted = [...keys.keys()].join(", ");
  return refuse(reading, at, "an unknown key", meant ? `${meant} (did you mean it?)` : accepted);
}

/** The contents are not shown: it may be a secret that was written in the wrong place. */
function refuseKind(reading: Reading, place: Place, accepted: string): never {
  return refuse(
    reading,
    place,
    isMap(place.node) ? "a mapping" : isSeq(place.node) ? "a list" : "a single value",
    accepted,
  );
}

function describe(key: SettingKey, written: unknown): string {
  if (written === null || written === undefined) return "nothing";
  if (Array.isArray(written) && key !== "pools[].preferred") return "a list";
  if (typeof written === "object" && !Array.isArray(written)) return "a mapping";
  if (/(?:^|\.)secret\.|\.url$/.test(key)) return "another text, which is not shown";
  const text = JSON.stringify(written);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function refuse(reading: Reading, at: Pick<Place, "path" | "line">, found: string, accepted: string): never {
  const { file } = reading.collected;
  const key = at.path || "(the whole file)";
  throw new HotspareError("HS_CONFIG_INVALID", { file, line: at.line, key, found, accepted });
}

function resolve(reading: Reading, node: unknown): Node | null {
  const target = isAlias(node) ? node.resolve(reading.document) : node;
  return (target as Node | null | undefined) ?? null;
}

const isEmpty = (node: unknown): boolean =>
  node === null || node === undefined || (isScalar(node) && node.value === null);

function lineOf(reading: Reading, node: unknown): number | null {
  const start = (node as Node | null)?.range?.[0];
  return start === undefined ? null : reading.counter.linePos(start).line;
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
