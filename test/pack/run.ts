/**
 * The package as a stranger gets it: packed, installed from the tarball in an empty folder, and run by its bin. Apart from
 * `npm test`, because it builds and installs; `.ci/run` calls it. Ends with exit code 0 or says what failed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "hotspare-pack-"));

try {
  const tarball = pack();
  install(tarball);
  expectOutput(["version"], /^hotspare \d+\.\d+\.\d+ \(Node\.js 2[4-9]/);
  expectOutput(["init", "--yes"], /made the configuration/);
  expectOutput(["config", "check"], /is right: cluster demo with 3 hosts/);
  expectOutput(["help"], /Commands:/);
  process.stdout.write("the packed package installs and runs\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** `prepack` builds `dist/` first. */
function pack(): string {
  const report = run("npm", ["pack", "--json", "--pack-destination", folder], root);
  const [packed] = JSON.parse(report.slice(report.search(/^\[/m))) as { filename: string }[];
  if (!packed) throw new Error(`npm pack reported ${report}`);
  return join(folder, packed.filename);
}

function install(tarball: string): void {
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", tarball], folder);
}

function expectOutput(args: readonly string[], expected: RegExp): void {
  const output = run("npx", ["--no-install", "hotspare", ...args], folder);
  if (!expected.test(output)) throw new Error(`hotspare ${args.join(" ")} printed ${JSON.stringify(output)}`);
}

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
}
