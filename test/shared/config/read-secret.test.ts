import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSecret } from "../../../shared/config/read-secret.ts";
import { errorOf, temporaryFolder } from "./example-config.ts";

const folder = temporaryFolder();
const HEX = "0123456789abcdef".repeat(4);
const BYTES = Buffer.from(HEX, "hex");

let files = 0;
function secretFile(text: string, mode = 0o600): { readonly file: string } {
  files += 1;
  const file = join(folder, `secret-${files}`);
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return { file };
}

describe("the secret", () => {
  it.each([
    ["hex", HEX],
    ["hex with a line's end", `${HEX}\n`],
    ["base64", BYTES.toString("base64")],
    ["base64url", BYTES.toString("base64url")],
  ])("is read from a file in %s", (_, text) => expect(readSecret(secretFile(text), {})).toEqual(BYTES));

  it("is read from the environment", () => {
    expect(readSecret({ env: "SECRET" }, { SECRET: HEX })).toEqual(BYTES);
  });

  it("is read through a link, as secrets are mounted in containers", () => {
    const link = join(folder, "link");
    symlinkSync(secretFile(HEX).file, link);
    expect(readSecret({ file: link }, {})).toEqual(BYTES);
  });

  it.each([0o640, 0o604, 0o660, 0o644])("is refused in a file that others may read (%o)", (mode) => {
    const error = errorOf(() => readSecret(secretFile(HEX, mode), {}));
    expect(error.message).toContain(mode.toString(8));
    expect(error.message).toContain("0600");
  });

  it.each([
    ["too short", HEX.slice(2)],
    ["no hex and no base64", `${HEX}!`],
    ["empty", ""],
    ["too long to be one", "ab".repeat(3000)],
  ])("is refused when it is %s, without being shown", (_, text) => {
    const error = errorOf(() => readSecret(secretFile(text), {}));
    expect(error.code).toBe("HS_SECRET_UNREADABLE");
    expect(error.exit).toBe(78);
    expect(error.message).not.toContain(HEX.slice(2, 20));
    expect(error.message).not.toContain("abab");
  });

  it("that is absent is named with the place where it was looked for", () => {
    expect(errorOf(() => readSecret({ file: join(folder, "none") }, {})).message).toContain(join(folder, "none"));
    expect(errorOf(() => readSecret({ env: "SECRET" }, {})).message).toContain("SECRET");
  });

  it("is no folder", () => {
    const file = join(folder, "folder");
    mkdirSync(file, { mode: 0o700 });
    expect(errorOf(() => readSecret({ file }, {})).message).toContain("not a file");
  });
});
