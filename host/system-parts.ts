/** The real parts of a host: threads and processes of its own for whatever may hang or take long. */
import { systemSockets } from "../shared/sockets.ts";
import { checkDataFolder } from "../shared/vault/data-folder.ts";
import { ThreadedVault } from "../shared/vault/threaded-vault.ts";
import { MessageClient } from "../shared/wire/message-client.ts";
import { attestInProcess } from "./checkpoint/attest-process.ts";
import { ImageWorker } from "./checkpoint/image-worker.ts";
import { restoreInThread } from "./checkpoint/restore-worker.ts";
import { startControl } from "./control.ts";
import { lockDataFolder } from "./data-lock.ts";
import type { HostParts } from "./host-parts.ts";
import { PoolCopy } from "./pool-copy.ts";
import { warmUp } from "./warm-up.ts";

export const systemParts: HostParts = {
  sockets: systemSockets,
  checkData: checkDataFolder,
  lockData: lockDataFolder,
  openVault: (options) => new ThreadedVault(options),
  startControl,
  openImages: (options) => new ImageWorker(options),
  openCopy: (options) => new PoolCopy({ ...options, restore: restoreInThread }),
  attest: attestInProcess,
  connect: (options) => new MessageClient(options),
  warmUp,
};
