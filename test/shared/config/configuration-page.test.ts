/** The table in docs/configuration.md is the table of the code, both ways; and the example in it is accepted. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Fallback } from "../../../shared/config/setting.ts";
import { POOL_SETTINGS, SETTINGS, type SettingKey } from "../../../shared/config/settings.ts";
import { configOf } from "./example-config.ts";

const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

describe("docs/configuration.md", () => {
  const documented = page.split("\n").filter((line) => line.startsWith("| `"));
  const expected = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => !isOverride(key)).map(rowOf);

  it.each(expected)("has the row %s", (row) => expect(documented).toContain(row));

  it("has no row that the code does not know", () => {
    expect(documented.filter((row) => !expected.includes(row))).toEqual([]);
  });

  it("shows an example that is accepted", () => {
    const example = /```yaml\n(cluster:[^`]*)```/.exec(page)?.[1] ?? "";
    expect(configOf(example).hosts).toHaveLength(3);
  });
});

/** A pool's own value of a key that holds for all pools has no row of its own: the last column says that it may be given. */
function isOverride(key: string): boolean {
  return key.replace("pools[].", "") in POOL_SETTINGS && key.startsWith("pools[].");
}

function rowOf(key: SettingKey): string {
  const { check, fallback, description } = SETTINGS[key];
  return `| \`${key}\` | ${defaultOf(fallback)} | ${check.accepted} | ${description} | ${key in POOL_SETTINGS ? "yes" : ""} |`;
}

function defaultOf(fallback: Fallback): string {
  switch (fallback.type) {
    case "needed":
      return "needed";
    case "standard":
      return `\`${fallback.written}\``;
    case "derived":
      return fallback.from;
  }
}
