import { lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { editSecretFile, keysInFile } from "../../../deploy/cli/secret/secret-file.ts";
import type { RotationStep } from "../../../deploy/cli/secret/rotation-step.ts";
import { isHotspareError } from "../../../shared/errors.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { chance } from "../console.ts";

const folder = temporaryFolder();
const FIRST = "1".repeat(64);
const id = (text: string): string => messageKey(Buffer.from(text, "hex")).id;

let file: string;
let files = 0;
beforeEach(() => {
  file = join(folder, `${++files}.key`);
  writeFileSync(file, `# ours\n${FIRST}\n`, { mode: 0o600 });
});

type Edit = Extract<RotationStep, { type: "append" | "promote" | "remove" }>;
const edit = (step: Edit, path = file): Promise<void> =>
  editSecretFile(path, { before: keysInFile(path), step, random: chance });
const lines = (): readonly string[] => readFileSync(file, "utf8").trim().split("\n");
const codeOf = (edited: Promise<void>): Promise<string> =>
  edited.then(
    () => "done",
    (error: unknown) => (isHotspareError(error) ? error.code : String(error)),
  );

describe("the file of the secret", () => {
  it("goes through a rotation step by step, with marks that say where it is, and stays private", async () => {
    await edit({ type: "append" });
    const added = lines()[1]?.split(" ")[0] ?? "";
    expect(lines()).toEqual([FIRST, `${added} # new: accepted, does not sign yet`]);
    expect(keysInFile(file)).toEqual([
      { id: id(FIRST), mark: null },
      { id: id(added), mark: "new" },
    ]);
    await edit({ type: "promote", key: id(added) });
    expect(keysInFile(file)).toEqual([
      { id: id(added), mark: null },
      { id: id(FIRST), mark: "old" },
    ]);
    await edit({ type: "remove", keys: [id(FIRST)] });
    expect(lines()).toEqual([added]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is replaced where a link to it leads, with its owner", async () => {
    const link = join(folder, "link.key");
    symlinkSync(file, link);
    await edit({ type: "append" }, link);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(lines()).toHaveLength(2);
    expect([statSync(file).uid, statSync(file).gid]).toEqual([statSync(folder).uid, statSync(folder).gid]);
  });

  it("is not touched if it is not as it was looked at", async () => {
    const before = keysInFile(file);
    await edit({ type: "append" });
    const [there] = [lines()];
    const late = editSecretFile(file, { before, step: { type: "append" }, random: chance });
    expect(await codeOf(late)).toBe("HS_SECRET_LOCKED");
    expect(lines()).toEqual(there);
  });

  it("is changed by one of many at once", async () => {
    const before = keysInFile(file);
    const many = Array.from({ length: 4 }, () =>
      codeOf(editSecretFile(file, { before, step: { type: "append" }, random: chance })),
    );
    const outcomes = await Promise.all(many);
    expect(outcomes.toSorted()).toEqual(["HS_SECRET_LOCKED", "HS_SECRET_LOCKED", "HS_SECRET_LOCKED", "done"]);
    expect(lines()).toHaveLength(2);
  });

  it("takes no ninth key", async () => {
    for (let key = 2; key <= 8; key++) await edit({ type: "append" });
    expect(await codeOf(edit({ type: "append" }))).toBe("HS_USAGE");
    expect(lines()).toHaveLength(8);
  });
});
