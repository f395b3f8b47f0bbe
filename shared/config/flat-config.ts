/** An effective configuration as one text for each key, with the places in lists by their ids: `hosts[host-a].listen`. Pure. */
import { formatAddress, type Address, type Config } from "./config.ts";
import { formatByteSize } from "./byte-size.ts";
import { formatDuration } from "./duration.ts";
import { SETTINGS, type SettingKey } from "./settings.ts";

export interface FlatValue {
  /** With the places in lists. */
  readonly path: string;
  readonly key: SettingKey;
  readonly text: string;
}

/** What stands for a value that is not there. */
export const NO_VALUE = "none";

/** Settings that stand for a part of the configuration as a whole: it is taken over, or not, in one piece. */
const WHOLE: Readonly<Record<string, SettingKey>> = {
  secret: "secret.file",
  "pools[].routes": "pools[].routes[].path",
  hooks: "hooks[].on",
  "tls.public": "tls.public.cert",
  "tls.admin": "tls.admin.cert",
  "tls.control": "tls.control.cert",
  "tls.data": "tls.data.cert",
};

/** Where something stands in a configuration. */
export interface ConfigPlace {
  /** As in the table of settings, such as `hosts[].listen`. */
  readonly key: string;
  readonly path: string;
  /** Id of the entry of a list that it is in. */
  readonly entry: string | null;
}

export const ROOT: ConfigPlace = { key: "", path: "", entry: null };

/** @param field such as `intervalMs`: the unit is not part of the key. */
export function placeOf({ key, path, entry }: ConfigPlace, field: string): ConfigPlace {
  const name = field === "writtenApp" ? "app" : field.replace(/(?<=.)(?:Ms|Bytes)$/, "");
  return { key: key === "" ? name : `${key}.${name}`, path: path === "" ? name : `${path}.${name}`, entry };
}

export const entryOf = ({ key, path, entry }: ConfigPlace, id: string, isNamed: boolean): ConfigPlace => ({
  key: `${key}[]`,
  path: `${path}[${id}]`,
  entry: isNamed ? id : entry,
});

/** The setting that decides on the part of the configuration at that place; `null`: its parts have their own. */
export const decidingKey = ({ key }: ConfigPlace): SettingKey | null =>
  Object.hasOwn(SETTINGS, key) ? (key as SettingKey) : (WHOLE[key] ?? null);

/** The fields that hold settings. An application is known by how it is written: its module lies elsewhere on each machine. Of an order counts which one holds. */
export const fieldsOf = (value: object): string[] => Object.keys(value).filter((field) => !NO_SETTINGS.has(field));

const NO_SETTINGS: ReadonlySet<string> = new Set(["hash", "app", "writtenPreferred"]);

/** The configuration without what names it: its file and its hash. */
export const sectionsOf = (config: Config): object =>
  Object.fromEntries(Object.entries(config).filter(([field]) => field !== "file" && field !== "hash"));

export const flatConfig = (config: Config): readonly FlatValue[] => flatten(sectionsOf(config), ROOT, "");

/** Paths at which the two differ. */
export function changedPaths(before: Config, after: Config): readonly string[] {
  const [old, now] = [before, after].map((config) => new Map(flatConfig(config).map(({ path, text }) => [path, text])));
  const paths = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])]);
  return [...paths].filter((path) => old?.get(path) !== now?.get(path));
}

function flatten(value: unknown, place: ConfigPlace, field: string): FlatValue[] {
  if (Object.hasOwn(SETTINGS, place.key)) {
    return [{ path: place.path, key: place.key as SettingKey, text: textOf(value, field) }];
  }
  // They are each machine's own: nobody compares them.
  if (place.key === "hooks") return [];
  if (Array.isArray(value)) {
    return (value as readonly { readonly id?: string }[]).flatMap((item, index) =>
      flatten(item, entryOf(place, item.id ?? String(index), item.id !== undefined), field),
    );
  }
  // A section that is not there.
  if (typeof value !== "object" || value === null) return flatten(value, placeOf(place, "cert"), field);
  return fieldsOf(value).flatMap((name) => flatten(value[name as keyof typeof value], placeOf(place, name), name));
}

function textOf(value: unknown, field: string): string {
  if (value === null) return NO_VALUE;
  if (typeof value === "number") {
    if (field.endsWith("Ms")) return formatDuration(value);
    return /bytes$/i.test(field) ? formatByteSize(value) : String(value);
  }
  if (Array.isArray(value)) return value.length === 0 ? NO_VALUE : value.join(", ");
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  return formatAddress(value as Address);
}
