/**
 * Wall clocks that can be moved while nodes run: libfaketime in each process, told by one file per node how far its clock is
 * off. Monotonic time stays right, as it does on a real machine whose clock is set. Needs the Debian package `faketime`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where there is summer time, so that local time jumps as well. */
const ZONE = "Europe/Berlin";

export class WallClocks {
  readonly #library: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "hotspare-clocks-"));
  readonly #remove = (): void => this.remove();

  /** @throws if there is no libfaketime. */
  constructor() {
    const library = findLibrary();
    if (library === null) {
      this.remove();
      throw new Error("no libfaketime (Debian package faketime)");
    }
    this.#library = library;
    process.once("exit", this.#remove);
  }

  environment(id: string): Readonly<Record<string, string>> {
    this.move(id, 0);
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file(id),
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
      TZ: ZONE,
    };
  }

  /** Noticed by the node within a second. */
  move(id: string, byS: number): void {
    writeFileSync(this.#file(id), `${byS < 0 ? "" : "+"}${byS}\n`);
  }

  remove(): void {
    process.off("exit", this.#remove);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(id: string): string {
    return join(this.#folder, id);
  }
}

/** How far a clock must be moved to stand two seconds before the next change of summer time. */
export function beforeSummerTimeS(now: Date): number {
  const changes = [0, 1].flatMap((years) => [2, 9].map((month) => lastSunday(now.getUTCFullYear() + years, month)));
  const next = changes.find((atMs) => atMs > now.getTime()) ?? now.getTime();
  return Math.round((next - now.getTime()) / 1000) - 2;
}

/** One o'clock UTC on the last Sunday of a month of 31 days: when all of Europe changes. */
function lastSunday(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month, 31, 1));
  return last.getTime() - last.getUTCDay() * 86_400_000;
}

/** Whether this machine allows it, found out by trying; a reason if not. */
export function whyNoWallClocks(): string | null {
  let clocks: WallClocks | null = null;
  try {
    clocks = new WallClocks();
    const environment = clocks.environment("trial");
    clocks.move("trial", 86_400);
    const { stdout } = spawnSync(process.execPath, ["-p", "Date.now()"], {
      env: { ...process.env, ...environment },
      encoding: "utf8",
      timeout: 20_000,
    });
    return Math.abs(Number(stdout) - Date.now() - 86_400_000) < 60_000 ? null : "libfaketime does not move the clock";
  } catch (error) {
    return (error as Error).message;
  } finally {
    clocks?.remove();
  }
}

function findLibrary(): string | null {
  for (const root of ["/usr/lib", "/usr/local/lib", "/usr/lib64"])
    for (const folder of ["", ...foldersIn(root)]) {
      const path = join(root, folder, "faketime");
      if (foldersIn(join(root, folder)).includes("faketime") && filesIn(path).includes("libfaketimeMT.so.1"))
        return join(path, "libfaketimeMT.so.1");
    }
  return null;
}

const foldersIn = (path: string): readonly string[] =>
  listing(path).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
const filesIn = (path: string): readonly string[] => listing(path).map(({ name }) => name);

function listing(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
