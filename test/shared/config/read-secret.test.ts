import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSecret, readSecretAgain } from "../../../shared/config/read-secret.ts";
import { errorOf, temporaryFolder } from "./example-config.ts";

const folder = temporaryFolder();
const HEX = "0123456789abcdef".repeat(4);
const OTHER = "fedcba9876543210".repeat(4);
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
  ])("is read from a file in %s", (_, text) => expect(readSecret(secretFile(text), {})).toEqual([BYTES]));

  it.each([
    ["one a line", `${HEX}\n${OTHER}\n`],
    ["in one line", ` ${HEX}\t${OTHER} `],
    ["with remarks and empty lines", `# made in 2026\n\n${HEX} # old: on its way out\n${OTHER}#new\r\n`],
  ])("may be several keys, %s, the first of which signs", (_, text) => {
    const both = [BYTES, Buffer.from(OTHER, "hex")];
    expect(readSecret(secretFile(text), {})).toEqual(both);
    expect(readSecret({ env: "SECRET" }, { SECRET: text })).toEqual(both);
  });

  it("as a node reads it again is the same, and fails in the same words", async () => {
    const good = secretFile(`${HEX}\n${OTHER}\n`);
    expect(await readSecretAgain(good.file)).toEqual(readSecret(good, {}));
    for (const { file } of [secretFile("short"), secretFile(HEX, 0o644), { file: join(folder, "none") }]) {
      const { message } = errorOf(() => readSecret({ file }, {}));
      await expect(readSecretAgain(file)).rejects.toThrow(message);
    }
  });

  it.each([
    ["more than eight keys", Array.from({ length: 9 }, (_, at) => String(at).repeat(64)).join("\n"), "has 9 keys"],
    ["the same key twice", `${HEX}\n${BYTES.toString("base64")}`, "keys 1 and 2 are the same"],
    ["a second key that is too short", `${HEX}\n${HEX.slice(2)}`, "key 2 has 31 bytes"],
    ["remarks only", "# new\n", "no key"],
  ])("is refused with %s", (_, text, reason) => {
    expect(errorOf(() => readSecret(secretFile(text), {})).message).toContain(reason);
  });

  it("is read from the environment", () => {
    expect(readSecret({ env: "SECRET" }, { SECRET: HEX })).toEqual([BYTES]);
  });

  it("is read through a link, as secrets are mounted in containers", () => {
    const link = join(folder, "link");
    symlinkSync(secretFile(HEX).file, link);
    expect(readSecret({ file: link }, {})).toEqual([BYTES]);
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
