/** Every `hotspare …` that the documentation shows is a command with these options. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hotspare } from "../deploy/console.ts";
import { root } from "../source-code.ts";

interface CommandLine {
  readonly command: readonly string[];
  readonly options: readonly string[];
}

const pages = [...globSync("*.md", { cwd: root }), ...globSync("{docs,examples}/**/*.md", { cwd: root })].sort();
const MISSING = /^## What is not there yet\n[\s\S]*?(?=^## )/m;

describe.each(pages)("%s", (page) => {
  const lines = commandLines(readFileSync(join(root, page), "utf8").replace(MISSING, ""));

  it("shows only commands and options that there are", async () => {
    const wrong: string[] = [];
    for (const { command, options } of lines) {
      const { code, out } = await hotspare([...command, "--help"]);
      const found = code === 0 && out.startsWith(`Usage: hotspare ${command.join(" ")} `);
      const unknown = found ? options.filter((option) => !new RegExp(`${option}\\b`).test(out)) : options;
      if (!found || unknown.length > 0) wrong.push(["hotspare", ...command, ...unknown].join(" "));
    }
    expect(wrong).toEqual([]);
  });
});

/** In fenced blocks at the beginning of a line, elsewhere in code quotes. */
function commandLines(text: string): readonly CommandLine[] {
  const blocks = [...text.matchAll(/^ *```[a-z]*\n([\s\S]*?)^ *```/gm)].map(([, block = ""]) => block);
  const quotes = [...text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, quote = ""]) => quote,
  );
  const lines = [...blocks.flatMap((block) => block.split("\n")), ...quotes];
  return lines.flatMap((line) => parse(/^\s*(?:npx )?hotspare ([a-z].*)$/.exec(line)?.[1] ?? "") ?? []);
}

/** What the bytes of the state hash begin with. */
const PREAMBLE = "state 1";

function parse(text: string): CommandLine | null {
  if (text === PREAMBLE) return null;
  const words = text.split(/\s+/).filter((word) => word !== "");
  const end = words.findIndex((word) => !/^[a-z]+$/.test(word));
  const command = end < 0 ? words : words.slice(0, end);
  if (command.length === 0 || command[0] === "help") return null;
  return { command, options: words.filter((word) => word.startsWith("--")) };
}
