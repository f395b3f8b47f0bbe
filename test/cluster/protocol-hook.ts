/**
 * Loaded by `--import` into a node and its threads: the node speaks the versions of the protocol that HOTSPARE_TEST_PROTOCOL
 * says, such as `1,2`, in place of those that its code has. So nodes of the next version of the program are made of this one.
 */
import { applyMutation } from "../simulation/mutation-hook.ts";

const range = process.env["HOTSPARE_TEST_PROTOCOL"] ?? "";
const [min, max] = range.split(",").map(Number);
if (!Number.isInteger(min) || !Number.isInteger(max)) throw new Error(`no range of versions: "${range}"`);

applyMutation({
  name: `protocol ${range}`,
  edits: [
    {
      file: "shared/wire/protocol-range.ts",
      find: "PROTOCOL: ProtocolRange = { min: 1, max: 1 };",
      replace: `PROTOCOL: ProtocolRange = { min: ${min}, max: ${max} };`,
    },
  ],
});
