/**
 * The file of the secret, as a rotation sees and changes it: under a lock, replaced at once, with the mode and owner that it
 * had. A key is told by its id; nothing here gives away a key's text.
 */
import { realpathSync } from "node:fs";
import { replaceFile } from "../../../shared/config/durable-file.ts";
import { lockSecret } from "../../../shared/config/lock-config.ts";
import { readSecretEntries } from "../../../shared/config/read-secret.ts";
import { formatSecretText, MAX_KEYS, type SecretEntry } from "../../../shared/config/secret-text.ts";
import { HotspareError, isHotspareError, reasonOf } from "../../../shared/errors.ts";
import type { Random } from "../../../shared/random.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import type { FileKey, RotationStep } from "./rotation-step.ts";

type FileEdit = Extract<RotationStep, { type: "append" | "promote" | "remove" }>;

const SECRET_BYTES = 32;

/** @throws {HotspareError} HS_SECRET_UNREADABLE. */
export const keysInFile = (file: string): readonly FileKey[] => readSecretEntries({ file }, {}).map(fileKey);

/**
 * Makes the step, if the file still is as `before`. Remarks of people are not kept.
 * @throws {HotspareError} HS_SECRET_LOCKED if it is not, or another program works on it; HS_SECRET_UNWRITABLE,
 * HS_SECRET_UNREADABLE, HS_USAGE. The file is then untouched.
 */
export async function editSecretFile(
  file: string,
  { before, step, random }: { readonly before: readonly FileKey[]; readonly step: FileEdit; readonly random: Random },
): Promise<void> {
  const lock = await lockSecret(file);
  try {
    const entries = readSecretEntries({ file }, {});
    refuseChanged(file, before, entries.map(fileKey));
    const text = formatSecretText(edited(entries, step, random));
    const target = realpathSync(file);
    replaceFile(target, text, () => {
      lock.assertHeld();
      refuseChanged(file, before, keysInFile(file));
    });
  } catch (error) {
    if (isHotspareError(error)) throw error;
    throw new HotspareError("HS_SECRET_UNWRITABLE", { file, reason: reasonOf(error) }, { cause: error });
  } finally {
    await lock.release();
  }
}

type Written = Pick<SecretEntry, "written" | "mark">;

function edited(entries: readonly SecretEntry[], step: FileEdit, random: Random): readonly Written[] {
  switch (step.type) {
    case "append":
      if (entries.length >= MAX_KEYS)
        throw new HotspareError("HS_USAGE", { reason: `the secret has ${MAX_KEYS} keys already: remove some first` });
      return [...entries, { written: random.bytes(SECRET_BYTES).toString("hex"), mark: "new" }];
    case "promote":
      return [
        ...entries.filter((entry) => idOf(entry) === step.key).map(({ written }): Written => ({ written, mark: null })),
        ...entries
          .filter((entry) => idOf(entry) !== step.key)
          .map(({ written }): Written => ({ written, mark: "old" })),
      ];
    case "remove":
      return entries.filter((entry) => !step.keys.includes(idOf(entry)));
  }
}

function refuseChanged(file: string, before: readonly FileKey[], found: readonly FileKey[]): void {
  if (JSON.stringify(before) === JSON.stringify(found)) return;
  throw new HotspareError("HS_SECRET_LOCKED", { file, reason: "another program changed it meanwhile; try again" });
}

const idOf = ({ bytes }: SecretEntry): string => messageKey(bytes).id;
const fileKey = (entry: SecretEntry): FileKey => ({ id: idOf(entry), mark: entry.mark });
