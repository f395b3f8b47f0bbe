/** The version of this program, from its `package.json`, which is the nearest one above in a checkout and in `dist/`. */
import { readFileSync } from "node:fs";
import { HotspareError } from "./errors.ts";

/** Such as `0.1.0`. Reads a file: call it once. */
export function programVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    const version = versionIn(new URL(place, import.meta.url));
    if (version !== null) return version;
  }
  throw new HotspareError("HS_INTERNAL", { what: "package.json lies above the program" });
}

function versionIn(file: URL): string | null {
  try {
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
    return name === "hotspare" && version !== undefined ? version : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
