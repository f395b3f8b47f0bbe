/** `hotspare config set`: changes one key of the file as a careful person would, and says what becomes of the change. */
import type { Command } from "commander";
import { isMap, isSeq, parse, type Document } from "yaml";
import { didYouMean } from "../../../shared/config/did-you-mean.ts";
import { LIVE_KEYS, REACH_TEXTS } from "../../../shared/config/live-keys.ts";
import { lockConfig } from "../../../shared/config/lock-config.ts";
import type { SettingKey } from "../../../shared/config/settings.ts";
import { editConfig, setKey } from "../../../shared/config/write-config.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import { withConfig, withExample, type CommandContext, type ConfigOption } from "../command.ts";

export function registerConfigSet(group: Command, context: CommandContext): void {
  const command = group
    .command("set <key> <value>")
    .description("Changes one key of the file, with comments kept; entries of lists by their ids.");
  withExample(
    withConfig(command, context),
    "hotspare config set health.interval 500ms",
    "hotspare config set 'hosts[host-a].candidate' false",
  ).action(async (key: string, value: string, { config: file }: ConfigOption) => {
    const setting = settingOf(key);
    const lock = await lockConfig(file);
    try {
      editConfig(file, context.env, lock, (document) => setKey(document, pathIn(document, key), read(value)));
    } finally {
      await lock.release();
    }
    context.print(`${key} is ${value} in ${file}. A change of it is: ${REACH_TEXTS[LIVE_KEYS[setting]]}`);
  });
}

/** @throws {HotspareError} HS_USAGE if there is no such key. */
function settingOf(key: string): SettingKey {
  const setting = key.replaceAll(/\[[^\]]*\]/g, "[]");
  if (Object.hasOwn(LIVE_KEYS, setting)) return setting as SettingKey;
  const meant = didYouMean(setting, Object.keys(LIVE_KEYS));
  const hint = meant === null ? "`hotspare config show` lists them" : `did you mean ${meant}?`;
  throw new HotspareError("HS_USAGE", { reason: `there is no key ${key}; ${hint}` });
}

/** `hosts[host-a].candidate` as the way to it, with the place of the entry in its list. */
function pathIn(document: Document, key: string): readonly (string | number)[] {
  return key.split(".").reduce<readonly (string | number)[]>((path, part) => {
    const [, name = part, id] = /^([^[]+)\[([^\]]*)\]$/.exec(part) ?? [];
    return id === undefined ? [...path, name] : [...path, name, placeOf(document, [...path, name], id)];
  }, []);
}

function placeOf(document: Document, path: readonly (string | number)[], id: string): number {
  const list = document.getIn(path, true);
  const items = isSeq(list) ? list.items : [];
  const at = items.findIndex((item, index) => (isMap(item) && item.has("id") ? item.get("id") : String(index)) === id);
  if (at >= 0) return at;
  throw new HotspareError("HS_USAGE", { reason: `the file has no entry ${path.join(".")}[${id}]` });
}

function read(value: string): unknown {
  try {
    return parse(value);
  } catch (error) {
    throw new HotspareError("HS_USAGE", { reason: `${value} is no value: ${reasonOf(error)}` });
  }
}
