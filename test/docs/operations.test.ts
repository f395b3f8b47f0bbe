/** docs/operations.md names log lines that are really written. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LOW_WATER } from "../../host/space-watch.ts";
import { readSource, root } from "../source-code.ts";

const page = readFileSync(join(root, "docs/operations.md"), "utf8");
const source = readSource("host", "proxy", "shared");

const namesIn = (texts: readonly string[], pattern: RegExp): string[] =>
  [...new Set(texts.flatMap((text) => text.match(pattern) ?? []))].sort();

describe("docs/operations.md", () => {
  it("names log lines that are written", () => {
    const lines = tableColumn("| host says |").flatMap(quoted);
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.filter((line) => !source.some(({ text }) => text.includes(`"${line}"`)))).toEqual([]);
  });

  it("names every event of a proxy's log, and none that is not there", () => {
    const file = source.find(({ path }) => path === "proxy/log-note.ts")?.text ?? "";
    const written = namesIn([file], /event: "[a-z-]+"/g).map((text) => text.slice('event: "'.length, -1));
    expect(tableColumn("| proxy says").flatMap(quoted).toSorted()).toEqual(written);
  });

  it("names the low-water marks of the vault", () => {
    expect(LOW_WATER).toEqual({ freeBytes: 64 * 1024 * 1024, freeInodes: 1000 });
    expect(page).toContain("64 MiB and 1000 inodes");
  });
});

/** The first cells of the table whose head begins so. */
function tableColumn(head: string): string[] {
  const lines = page.slice(page.indexOf(head)).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) => line.split("|")[1] ?? "");
}

const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
