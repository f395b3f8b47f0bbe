/**
 * Changes `hotspare.yaml` for a program as a careful person would: comments and order kept, the result checked before it
 * replaces the old file at once. A crash leaves the old file or the new one, never half of one.
 */
import { readFileSync, realpathSync } from "node:fs";
import { isAlias, parseDocument, type Document } from "yaml";
import { HotspareError, isHotspareError, reasonOf } from "../errors.ts";
import { replaceFile } from "./durable-file.ts";
import { configOf } from "./load-config.ts";
import type { ConfigLock } from "./lock-config.ts";
import type { Env } from "./substitute.ts";

/**
 * Applies `edit` to the file's document and replaces the file, if anything changed. The caller holds the lock.
 * @throws {HotspareError} HS_CONFIG_INVALID if the result would be no valid configuration, HS_CONFIG_LOCKED if another
 * program changed the file meanwhile, HS_CONFIG_UNWRITABLE; the file is then untouched.
 */
export function editConfig(file: string, env: Env, held: ConfigLock, edit: (document: Document) => void): void {
  try {
    const target = realpathSync(file);
    const before = readFileSync(target, "utf8");
    const after = editText(before, edit);
    if (after === before) return;
    configOf(after, target, env);
    replaceFile(target, after, () => {
      held.assertHeld();
      refuseChanged(target, before);
    });
  } catch (error) {
    if (isHotspareError(error)) throw error;
    throw new HotspareError("HS_CONFIG_UNWRITABLE", { file, reason: reasonOf(error) }, { cause: error });
  }
}

/**
 * Sets a key in place, and what it needs around it. What is written as an alias is refused: the change would show
 * elsewhere too.
 * @throws {HotspareError} HS_USAGE.
 */
export function setKey(document: Document, path: readonly (string | number)[], value: unknown): void {
  for (let length = 1; length <= path.length; length += 1) {
    if (!isAlias(document.getIn(path.slice(0, length), true))) continue;
    throw new HotspareError("HS_USAGE", { reason: `${path.join(".")} is written as an alias (*); write it out first` });
  }
  document.setIn(path, value);
}

/** The text of a configuration after `edit`. Lines are not folded: what was written in one line stays in one. */
export function editText(before: string, edit: (document: Document) => void): string {
  const document = parseDocument(before);
  edit(document);
  return document.toString({ lineWidth: 0 });
}

function refuseChanged(file: string, before: string): void {
  if (readFileSync(file, "utf8") === before) return;
  throw new HotspareError("HS_CONFIG_LOCKED", { file, reason: "another program changed it meanwhile; try again" });
}
