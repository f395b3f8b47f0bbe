import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadApp } from "../../../host/app/load-app.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "hotspare-load-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe("loading an application", () => {
  it("finds spaces, an absolute path, and a package beside the configuration", async () => {
    expect((await loadApp("spaces", folder)).schema[0]?.id).toBe("spaces-1");
    const path = file(
      "app.mjs",
      'export const schema = [{ id: "a", sql: "create table a (id)" }]; export default () => {};',
    );
    expect(await loadApp(path, folder)).toMatchObject({ name: path, schema: [{ id: "a" }] });
    file("node_modules/my-app/package.json", '{ "name": "my-app", "type": "module", "exports": "./main.js" }');
    file("node_modules/my-app/main.js", "export default () => {};");
    expect(await loadApp("my-app", folder)).toMatchObject({ name: "my-app", schema: [] });
  });

  const wrong = [
    ["an absent file", null, /Cannot find|Failed to load|no such/i],
    ["one that throws as it is loaded", 'throw new Error("boom");', /boom/],
    ["one without a default export", "export const app = 1;", /no default export/],
    ["a default export that is no function", "export default {};", /no default export that is a function/],
    ["a schema that is no list", "export default () => {}; export const schema = {};", /schema is not a list/],
    [
      "a schema entry without id",
      'export default () => {}; export const schema = [{ sql: "x" }];',
      /entry 1 .* has no id/,
    ],
    ["a schema entry without sql", 'export default () => {}; export const schema = [{ id: "a" }];', /\(a\) has no sql/],
    [
      "two schema entries of one id",
      'export default () => {}; export const schema = [{ id: "a", sql: "x" }, { id: "a", sql: "y" }];',
      /entry 2 .* an earlier one has/,
    ],
  ] as const;
  for (const [index, [name, text, reason]] of wrong.entries()) {
    it(`${name} is refused with the reason`, async () => {
      const path = text === null ? join(folder, "absent.mjs") : file(`wrong-${index}.mjs`, text);
      await expect(loadApp(path, folder)).rejects.toMatchObject({ code: "HS_APP_INVALID" });
      await expect(loadApp(path, folder)).rejects.toThrow(reason);
    });
  }

  it("a package that is not there is named", async () => {
    await expect(loadApp("no-such-package-here", folder)).rejects.toMatchObject({
      code: "HS_APP_INVALID",
      details: { app: "no-such-package-here" },
    });
  });
});
