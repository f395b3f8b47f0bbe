/**
 * A process of its own that restores one checkpoint into a file and says which state it holds: `state <hash>`, or what
 * went wrong. Shares nothing with the host but the vault.
 */
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import type { AttestArgument } from "./attest-process.ts";
import { hashImage } from "./inspect-image.ts";
import { restoreCheckpoint } from "./restore-checkpoint.ts";

const { vaultDirectory, pool, id, file } = JSON.parse(process.argv[2] ?? "") as AttestArgument;
const vault = new DirectoryVault({ directory: vaultDirectory, random: systemRandom, clock: systemClock });
const restored = await restoreCheckpoint({ vault, pool, file, only: id });
vault.close();
switch (restored.type) {
  case "restored":
    process.stdout.write(`state ${hashImage(restored.file)}\n`);
    break;
  case "none":
    process.stdout.write("the checkpoint is not there any more\n");
    break;
  case "failed":
    process.stdout.write(`${restored.error.message}\n`);
    break;
}
