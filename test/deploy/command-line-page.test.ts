/** `docs/command-line.md` has every command with every option, and none that does not exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../deploy/cli/command-table.ts";
import { root } from "../source-code.ts";
import { hotspare } from "./console.ts";

const page = readFileSync(join(root, "docs/command-line.md"), "utf8");
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  maintenance: ["on", "off"],
  pool: ["list", "move", "rebalance"],
  node: ["list", "offline", "online", "remove"],
  vault: ["check", "verify", "list"],
  config: ["check", "show", "diff", "set"],
  secret: ["rotate", "show"],
  upgrade: ["check", "finish"],
};
/** Explained once, for all. */
const COMMON = new Set(["--config", "--json", "--help"]);

const sectionOf = (heading: string): string =>
  page.split(new RegExp(`^## ${heading}$`, "m"))[1]?.split(/^## /m)[0] ?? "";

async function optionsOf(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await hotspare([...words, "--help"]);
  const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = ""]) => option);
  return options.filter((option) => !COMMON.has(option));
}

describe.each(COMMANDS.map(({ name }) => name))("%s", (name) => {
  it("has a section with its options and no others", async () => {
    const commands = [[name], ...(GROUPS[name] ?? []).map((inner) => [name, inner])];
    const options = (await Promise.all(commands.map((words) => optionsOf(...words)))).flat();
    const told = [...sectionOf(name).matchAll(/^\| `(--[a-z-]+)/gm)].map(([, option = ""]) => option);
    expect(new Set(told)).toEqual(new Set(options));
  });
});

it("the page lists the commands that there are", () => {
  const listed = [...page.matchAll(/^\| \[`([a-z]+)`\]/gm)].map(([, name]) => name);
  expect(listed).toEqual(COMMANDS.map(({ name }) => name));
});
