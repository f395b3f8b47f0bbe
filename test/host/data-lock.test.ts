import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockDataFolder } from "../../host/data-lock.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "hotspare-lock-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("the data folder's lock", () => {
  it("a second owner is refused until the first lets go", () => {
    const data = join(folder, "not", "yet", "there");
    const unlock = lockDataFolder(data);
    expect(() => lockDataFolder(data)).toThrow(expect.objectContaining({ code: "HS_DATA_LOCKED" }));
    unlock();
    unlock();
    lockDataFolder(data)();
  });

  it("a folder that cannot be made is named", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => lockDataFolder(join(folder, "file", "data"))).toThrow(
      expect.objectContaining({ code: "HS_DATA_UNSUITABLE" }),
    );
  });
});
