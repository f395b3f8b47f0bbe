/**
 * The protocol as a small model, gone through completely: as it is it breaks no invariant, and each wrong variant breaks
 * the one that it is about. docs/model.md says the same, in the same numbers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../source-code.ts";
import { APPEND_VARIANTS } from "./append-journal.ts";
import {
  APPEND_NAMES,
  appendFinding,
  appendRows,
  appendVariantFinding,
  invariantRows,
  LIMIT_NAMES,
  limitFinding,
  limitRows,
  numbered,
  SCOPE_NAMES,
  scopeFinding,
  scopeRows,
  VARIANT_NAMES,
  variantFinding,
  variantRows,
} from "./table.ts";
import { LIMITS, VARIANTS } from "./variants.ts";

describe("the protocol", () => {
  it.each(SCOPE_NAMES)("is safe in the scope: %s", (name) => {
    const { violation, trace, missed } = scopeFinding(name);
    expect({ violation, trace, missed }).toEqual({ violation: null, trace: [], missed: [] });
  });

  it.each(VARIANT_NAMES)("is not safe with this mistake: %s", (name) => {
    const { violation, trace } = variantFinding(name);
    expect(violation, "it breaks nothing").toBe(VARIANTS[name].breaks);
    expect(trace.length).toBeGreaterThan(0);
  });

  it.each(LIMIT_NAMES)("does not stand: %s", (name) => {
    expect(limitFinding(name).violation).toBe(LIMITS[name].breaks);
  });
});

describe("a journal that is appended to", () => {
  it("is safe if everybody looks for the claim after each record", () => {
    const { violation, missed } = appendFinding("append");
    expect({ violation, missed }).toEqual({ violation: null, missed: [] });
  });

  it.each(APPEND_NAMES)("is not safe with this mistake: %s", (name) => {
    expect(appendVariantFinding(name).violation).toBe(APPEND_VARIANTS[name].breaks);
  });
});

describe("docs/model.md", () => {
  const page = readFileSync(join(root, "docs/model.md"), "utf8");

  it.each([
    ["| invariant |", invariantRows],
    ["| scope |", scopeRows],
    ["| if |", variantRows],
    ["| if, with a journal that is appended to |", appendRows],
    ["| limit |", limitRows],
  ])("has the table %s as the model makes it: node test/model/main.ts --tables", (head, rows) => {
    expect(tableUnder(head)).toEqual(rows());
  });

  it("shows the shortest trace of its example", () => {
    const shown = /```text\n([\s\S]*?)\n```/.exec(page)?.[1]?.split("\n");
    expect(shown).toEqual(numbered(variantFinding("a fence is not confirmed").trace));
  });

  function tableUnder(head: string): readonly string[] {
    const lines = page.slice(page.indexOf(`\n${head}`) + 1).split("\n");
    return lines.slice(2, lines.indexOf(""));
  }
});
