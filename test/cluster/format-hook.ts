/**
 * Loaded by `--import` into a node and its threads: the node reads records up to the version that HOTSPARE_TEST_RECORDS says,
 * in place of what its code knows. A record of a later version has the same layout as one of the first, and another number.
 */
import { applyMutation } from "../simulation/mutation-hook.ts";

const max = Number(process.env["HOTSPARE_TEST_RECORDS"]);
if (!Number.isInteger(max)) throw new Error("HOTSPARE_TEST_RECORDS is no version");

applyMutation({
  name: `records up to ${max}`,
  edits: [
    {
      file: "shared/journal/record-formats.ts",
      find: "RECORD_FORMATS: FormatRange = { min: 1, max: 1 };",
      replace: `RECORD_FORMATS: FormatRange = { min: 1, max: ${max} };`,
    },
  ],
});
