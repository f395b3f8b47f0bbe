/**
 * The last check before a name becomes a path: relative, plain components, none that leads out of the vault. Names come
 * from `layout.ts` alone; this holds even if one did not.
 */
import { HotspareError } from "../errors.ts";

const COMPONENT = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}$/;

/** The components of a name or folder. @throws {HotspareError} HS_ID_INVALID if one could lead out of the vault. */
export function vaultPath(name: string): readonly string[] {
  const components = name.split("/");
  if (components.every((component) => COMPONENT.test(component))) return components;
  throw new HotspareError("HS_ID_INVALID", {
    what: "vault name",
    found: JSON.stringify(name),
    accepted: `components ${COMPONENT.source}`,
  });
}

/** The folder that a name lies in; empty for the root. */
export const folderOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf("/")));
