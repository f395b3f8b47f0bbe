/**
 * What `npm test` runs: all tests, or those whose files are named, and at the end one line that programs can read:
 * `N passed, N failed`. A file that cannot be loaded and an error outside a test count as failed.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const NEEDED_NODE = 24;
const root = resolve(import.meta.dirname, "..");
const args = process.argv.slice(2);
const isOld = Number(process.versions.node.split(".")[0]) < NEEDED_NODE;

process.exitCode = isOld ? runWithOwnNode() : runTests();

/** `npm test` finds the right Node by itself; this is for `node test/run.ts` with an older one. */
function runWithOwnNode(): number {
  const node = join(root, "node_modules", ".bin", "node");
  return spawnSync(node, [import.meta.filename, ...args], { stdio: "inherit" }).status ?? 1;
}

function runTests(): number {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-tests-"));
  try {
    const file = join(folder, "report.json");
    const clean = runVitest(file) === 0;
    const { passed, failed } = count(readReport(file), clean);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVitest(report: string): number {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const options = {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"]}` },
  } as const;
  return spawnSync(process.execPath, [vitest, "run", ...reporters, ...args], options).status ?? 1;
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return null;
  }
}

function count(report: Report | null, clean: boolean): Count {
  if (report === null) return { passed: 0, failed: 1 };
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = report.numFailedTests + unloadable;
  return { passed: report.numPassedTests, failed: failed === 0 && !clean ? 1 : failed };
}
