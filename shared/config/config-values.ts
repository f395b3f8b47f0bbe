/** The values of one configuration file, checked and in the units of the code, each with the line where it stands. */
import { HotspareError } from "../errors.ts";
import { SETTINGS, type SettingKey, type SettingValue } from "./settings.ts";

export interface FoundValue {
  readonly key: SettingKey;
  /** As written, after `${…}` was filled in. */
  readonly written: unknown;
  readonly value: unknown;
}

/** One row of `config show`. */
export interface ShownSetting {
  /** With the places in lists, such as `hosts[0].listen`. */
  readonly path: string;
  /** `null` if something else holds, which `from` names. */
  readonly value: unknown;
  readonly from: string;
}

/** What a reading of the file collects, by path. */
export interface Collected {
  readonly file: string;
  readonly values: Map<string, FoundValue>;
  /** Number of entries of each list. */
  readonly lengths: Map<string, number>;
  readonly lines: Map<string, number>;
}

export class ConfigValues {
  readonly #collected: Collected;

  constructor(collected: Collected) {
    this.#collected = collected;
  }

  get file(): string {
    return this.#collected.file;
  }

  /** The value of `key`, or what holds in its place; `at` gives the places in lists. */
  get<Key extends SettingKey>(key: Key, ...at: readonly number[]): SettingValue<Key> {
    const found = this.#collected.values.get(pathOf(key, at));
    return (found ? found.value : fallbackOf(key)) as SettingValue<Key>;
  }

  /** How many entries the list `key` has; 0 where it is absent. */
  length(key: string, ...at: readonly number[]): number {
    return this.#collected.lengths.get(pathOf(key, at)) ?? 0;
  }

  /** The error for a value that is acceptable alone but not beside the others. */
  conflict(key: SettingKey | "hosts", at: readonly number[], found: string, accepted: string): HotspareError {
    const path = pathOf(key, at);
    const line = lineOf(this.#collected.lines, path);
    return new HotspareError("HS_CONFIG_INVALID", { file: this.file, line, key: path, found, accepted });
  }

  /** Every key with what holds for it and why, in the order of the table. */
  show(): readonly ShownSetting[] {
    return (Object.keys(SETTINGS) as SettingKey[]).flatMap((key) =>
      this.#paths(key).map((path) => this.#show(key, path)),
    );
  }

  #show(key: SettingKey, path: string): ShownSetting {
    const found = this.#collected.values.get(path);
    if (found) return { path, value: found.written, from: `line ${lineOf(this.#collected.lines, path)}` };
    const { fallback } = SETTINGS[key];
    return fallback.type === "standard"
      ? { path, value: fallback.written, from: "default" }
      : { path, value: null, from: fallback.type === "derived" ? fallback.from : "needed" };
  }

  #paths(key: string): readonly string[] {
    const at = key.indexOf("[]");
    if (at === -1) return [key];
    const list = key.slice(0, at);
    const entries = Array.from({ length: this.length(list) }, (_, index) => `${list}[${index}]${key.slice(at + 2)}`);
    return entries.flatMap((path) => this.#paths(path));
  }
}

function pathOf(key: string, at: readonly number[]): string {
  const places = [...at];
  return key.replaceAll("[]", () => `[${places.shift() ?? 0}]`);
}

/** The line of `path`, or of the nearest thing around it that is in the file. */
function lineOf(lines: ReadonlyMap<string, number>, path: string): number {
  const line = lines.get(path);
  if (line !== undefined) return line;
  const parent = path.replace(/(?:\.[^.[]+|\[\d+\])$/, "");
  return parent === path ? (lines.get("") ?? 1) : lineOf(lines, parent);
}

function fallbackOf(key: SettingKey): unknown {
  const { fallback, check } = SETTINGS[key];
  return fallback.type === "standard" ? check.parse(fallback.written) : null;
}
