/**
 * What a node runs with after its file was changed. Pure. What it can take into use while it runs is as in the file; what
 * needs a restart stays as it is, whole, and is named.
 */
import type { Config } from "./config.ts";
import { configHash } from "./config-hash.ts";
import { decidingKey, entryOf, fieldsOf, placeOf, ROOT, sectionsOf, type ConfigPlace } from "./flat-config.ts";
import { isLive, type ConfigOwner } from "./live-keys.ts";

export interface RunningConfig {
  readonly config: Config;
  /** What of the file waits for a restart of this node: paths, such as `hosts[host-a].listen`. */
  readonly pendingRestart: readonly string[];
}

/** @param file what is to hold; @param running what holds. */
export function runningConfig(running: Config, file: Config, owner: ConfigOwner): RunningConfig {
  const pending: string[] = [];
  const taken = take(sectionsOf(running), sectionsOf(file), ROOT, { owner, pending });
  const config = { ...(taken as Omit<Config, "file" | "hash">), file: running.file };
  return { config: { ...config, hash: configHash(config) }, pendingRestart: pending };
}

interface Taking {
  readonly owner: ConfigOwner;
  readonly pending: string[];
}

type Entry = { readonly id: string };
type Fields = Readonly<Record<string, unknown>>;

function take(running: unknown, file: unknown, place: ConfigPlace, taking: Taking): unknown {
  const key = decidingKey(place);
  if (key !== null) {
    if (isLive(key, place.entry, taking.owner) || isSame(running, file)) return file;
    taking.pending.push(place.path);
    return running;
  }
  if (Array.isArray(file)) return takeEntries(running as readonly Entry[], file as readonly Entry[], place, taking);
  const [before, after] = [running as Fields, file as Fields];
  const taken = fieldsOf(after).map((field) => [
    field,
    take(before[field], after[field], placeOf(place, field), taking),
  ]);
  const whole: Fields = { ...after, ...Object.fromEntries(taken) };
  return whole["writtenApp"] === after["writtenApp"] ? whole : { ...whole, app: before["app"] };
}

/** Entries come and go as the file says, where their ids may. */
function takeEntries(
  running: readonly Entry[],
  file: readonly Entry[],
  place: ConfigPlace,
  taking: Taking,
): readonly unknown[] {
  const changes = (id: string): boolean => {
    const at = entryOf(place, id, true);
    const key = decidingKey(placeOf(at, "id"));
    if (key === null || isLive(key, id, taking.owner)) return true;
    taking.pending.push(at.path);
    return false;
  };
  const kept = file.flatMap((after) => {
    const before = running.find(({ id }) => id === after.id);
    if (before !== undefined) return [take(before, after, entryOf(place, after.id, true), taking)];
    return changes(after.id) ? [after] : [];
  });
  const left = running.filter(({ id }) => !file.some((after) => after.id === id) && !changes(id));
  return [...kept, ...left];
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
