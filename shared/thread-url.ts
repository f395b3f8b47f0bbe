/**
 * Where the entry file of a thread or process lies. From a checkout both files end in `.ts`, in `dist/` both in `.js`; the compiler
 * rewrites imports but not `new URL("./x.ts")`, so the ending is taken from the importing file itself.
 */

/**
 * The URL of the module `base` (relative, without its ending: `"./vault-thread"`) beside the module whose
 * `import.meta.url` is `meta`.
 */
export function threadUrl(base: string, meta: string): URL {
  const ending = new URL(meta).pathname.endsWith(".ts") ? ".ts" : ".js";
  return new URL(`${base}${ending}`, meta);
}
