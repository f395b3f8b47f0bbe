/** Every relative link in the documentation leads to a file and a heading that exist, and every path in it to a file. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../source-code.ts";

const pages = [...globSync("*.md", { cwd: root }), ...globSync("{docs,examples}/**/*.md", { cwd: root })].sort();

const textOf = (page: string): string => readFileSync(join(root, page), "utf8");
const withoutCode = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");

describe.each(pages)("%s", (page) => {
  const text = textOf(page);

  it("links to what exists", () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !leadsSomewhere(page, target))).toEqual([]);
  });

  it("names no file that does not exist", () => {
    const names = [...withoutCode(text).matchAll(/`((?:shared|host|proxy|deploy|examples|test|docs)\/[^`\s]*)`/g)];
    expect(names.map(([, name = ""]) => name).filter((name) => globSync(name, { cwd: root }).length === 0)).toEqual([]);
  });

  it("has no two headings of one name: a link could lead to only one of them", () => {
    const anchors = anchorsOf(text);
    expect(anchors.filter((anchor, index) => anchors.indexOf(anchor) !== index)).toEqual([]);
  });
});

describe("the documentation", () => {
  it("reaches each of its pages from README.md", () => {
    const reached = reachedFrom("README.md", new Set());
    expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
  });

  it("has each folder of the source on the map", () => {
    const map = textOf("docs/architecture.md");
    const folders = new Set(globSync("{shared,host,proxy}/**/*.ts", { cwd: root }).map((file) => dirname(file)));
    const missing = [...folders].filter((folder) => folder.includes("/") && !map.includes(`\`${folder}/\``));
    expect(missing).toEqual([]);
  });
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#", 2);
  const file = path === "" ? page : relative(root, join(root, dirname(page), path));
  if (file.startsWith("..") || !existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(textOf(file)).includes(anchor);
}

/** As they are made on the common hosting sites: lower case, spaces to hyphens, no punctuation. */
function anchorsOf(text: string): string[] {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function reachedFrom(page: string, reached: Set<string>): Set<string> {
  if (reached.has(page) || !page.endsWith(".md") || !existsSync(join(root, page))) return reached;
  reached.add(page);
  for (const [, target = ""] of textOf(page).matchAll(/\]\(([^)#\s]+)[^)\s]*\)/g)) {
    if (!/^[a-z]+:/.test(target)) reachedFrom(relative(root, join(root, dirname(page), target)), reached);
  }
  return reached;
}
