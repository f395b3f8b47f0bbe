/** Lets every module that is loaded from now on be as a mutation has it. The files themselves stay as they are. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../source-code.ts";
import type { Mutation } from "./mutation.ts";

export function applyMutation({ name, edits }: Pick<Mutation, "name" | "edits">): void {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(root, file);
    const before = sources.get(path) ?? readFileSync(path, "utf8");
    const places = before.split(find).length - 1;
    if (places !== 1) throw new Error(`the mutation "${name}" finds its text ${places} times in ${file}, not once`);
    sources.set(
      path,
      before.replace(find, () => replace),
    );
  }
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = url.startsWith("file:") ? sources.get(fileURLToPath(url)) : undefined;
      return source === undefined
        ? nextLoad(url, context)
        : { format: "module-typescript", source, shortCircuit: true };
    },
  });
}
