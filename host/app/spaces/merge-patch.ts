/** JSON merge patch (RFC 7396): `null` removes a member, an object is merged, anything else replaces. */
import { isObject, type Json, type JsonObject } from "./exact-json.ts";

export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  // Entries, not assignment: a member named `__proto__` stays a member.
  const merged = new Map<string, Json>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged) satisfies JsonObject;
}
