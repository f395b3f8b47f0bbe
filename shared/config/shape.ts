/** The nesting of the configuration, worked out from the keys of the table: which mapping has which keys. */
import { SETTINGS, type SettingKey } from "./settings.ts";

export type Shape =
  | { readonly type: "mapping"; readonly keys: ReadonlyMap<string, Shape> }
  | { readonly type: "list"; readonly item: Shape }
  | { readonly type: "value"; readonly key: SettingKey };

export const CONFIG_SHAPE: Shape = shapeOf(
  Object.keys(SETTINGS).map((key) => ({ rest: key.replaceAll("[]", ".[]").split("."), key: key as SettingKey })),
);

interface Branch {
  /** What is left of the key's segments below this place. */
  readonly rest: readonly string[];
  readonly key: SettingKey;
}

function shapeOf(branches: readonly Branch[]): Shape {
  const [first] = branches;
  if (first?.rest.length === 0) return { type: "value", key: first.key };
  const groups = Map.groupBy(branches, (branch) => branch.rest[0] ?? "");
  const keys = new Map([...groups].map(([segment, group]) => [segment, shapeOf(group.map(descend))]));
  const item = keys.get("[]");
  return item ? { type: "list", item } : { type: "mapping", keys };
}

function descend({ rest, key }: Branch): Branch {
  return { rest: rest.slice(1), key };
}
