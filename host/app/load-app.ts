/**
 * Finds an application: `spaces`, an absolute path of a module (`.ts` runs as it is), or a package's name. Whatever is
 * wrong with it is told here, before a host takes over anything.
 */
import { createRequire } from "node:module";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { HotspareError, reasonOf } from "../../shared/errors.ts";
import type { AppModule, LoadedApp } from "./app.ts";
import spaces, { newestLsn, schema } from "./spaces/plugin.ts";

/** Packages are looked for from `folder` (that of the configuration file). @throws {HotspareError} HS_APP_INVALID */
export async function loadApp(name: string, folder: string): Promise<LoadedApp> {
  if (name === "spaces") return checkApp(name, { default: spaces, schema, newestLsn } satisfies AppModule);
  let found: unknown;
  try {
    found = await import(isAbsolute(name) ? pathToFileURL(name).href : packageUrl(name, folder));
  } catch (error) {
    throw invalid(name, reasonOf(error), error);
  }
  return checkApp(name, found);
}

/** @throws {HotspareError} HS_APP_INVALID if the module is no application. */
export function checkApp(name: string, found: unknown): LoadedApp {
  const { default: register, schema = [], newestLsn } = (found ?? {}) as Partial<AppModule>;
  if (typeof register !== "function") throw invalid(name, "it has no default export that is a function");
  if (!Array.isArray(schema)) throw invalid(name, "its schema is not a list");
  if (newestLsn !== undefined && typeof newestLsn !== "string") throw invalid(name, "its newestLsn is no text");
  const ids = new Set<string>();
  for (const [index, entry] of schema.entries()) {
    const wrong = wrongEntry(entry, ids);
    if (wrong) throw invalid(name, `entry ${index + 1} of its schema ${wrong}`);
    ids.add((entry as { id: string }).id);
  }
  return { name, register, schema, ...(newestLsn === undefined ? {} : { newestLsn }) };
}

function wrongEntry(entry: unknown, ids: ReadonlySet<string>): string | null {
  const { id, sql } = (entry ?? {}) as { id?: unknown; sql?: unknown };
  if (typeof id !== "string" || id === "") return "has no id";
  if (typeof sql !== "string" || sql.trim() === "") return `(${id}) has no sql`;
  return ids.has(id) ? `has the id ${id}, which an earlier one has` : null;
}

/** What the folder's own `node_modules` holds comes first; a package that only `import` may load is found beside Hotspare. */
function packageUrl(name: string, folder: string): string {
  try {
    return pathToFileURL(createRequire(join(folder, "package.json")).resolve(name)).href;
  } catch {
    return name;
  }
}

const invalid = (app: string, reason: string, cause?: unknown): HotspareError =>
  new HotspareError("HS_APP_INVALID", { app, reason }, { cause });
