/** The real parts of a host: threads and processes of its own for whatever may hang or take long, and its network. */
import { systemClock } from "../shared/system-clock.ts";
import { checkDataFolder } from "../shared/vault/data-folder.ts";
import { ThreadedVault } from "../shared/vault/threaded-vault.ts";
import { MessageClient } from "../shared/wire/message-client.ts";
import { attestInProcess } from "./checkpoint/attest-process.ts";
import { ImageWorker } from "./checkpoint/image-worker.ts";
import { restoreInThread } from "./checkpoint/restore-worker.ts";
import { startControl } from "./control.ts";
import { lockDataFolder } from "./data-lock.ts";
import { callHook } from "./hooks/call-hook.ts";
import type { HostNetworks } from "./host-networks.ts";
import type { HostParts } from "./host-parts.ts";
import { PoolCopy } from "./pool-copy.ts";
import { warmUp } from "./warm-up.ts";

export const systemParts = (networks: HostNetworks): HostParts => ({
  sockets: networks.sockets.data,
  checkData: checkDataFolder,
  lockData: lockDataFolder,
  openVault: (options) => new ThreadedVault(options),
  startControl: ({ registers = [], ...options }) =>
    startControl({ ...options, registers: [...registers, networks.register] }, networks.identity("control")),
  openImages: (options) => new ImageWorker(options),
  openCopy: (options) => new PoolCopy({ ...options, restore: restoreInThread }),
  attest: attestInProcess,
  callHook: (call) => callHook(call, { clock: systemClock, env: process.env }),
  connect: (options) => new MessageClient({ ...options, sockets: networks.sockets.control }),
  warmUp: (options) => warmUp({ ...options, sockets: networks.own("data") }),
});
