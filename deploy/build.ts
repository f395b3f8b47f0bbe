/**
 * Makes `dist/`, which the published package runs, since Node refuses TypeScript under `node_modules`: compiles what is
 * shipped and copies beside it what is no TypeScript, such as web pages. Starts from nothing, so that no file of an
 * earlier build survives.
 */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
process.exitCode = compile();
if (process.exitCode === 0) copyAssets();

function compile(): number {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  return status ?? 1;
}

/** The launcher stays where it is: it starts `dist/`. */
function copyAssets(): void {
  for (const file of globSync("{shared,host,proxy,deploy/cli}/**/*.*", { cwd: root })) {
    if (!file.endsWith(".ts") && file !== join("deploy", "cli", "launcher.js"))
      cpSync(join(root, file), join(dist, file));
  }
}
