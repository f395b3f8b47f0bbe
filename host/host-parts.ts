/**
 * What a host has outside its main thread: an argument, like clock and chance, so that the simulation can run the very
 * same host on parts of its own. `system-parts.ts` has the real ones, most of them threads.
 */
import type { Address } from "../shared/config/config.ts";
import type { Log } from "../shared/log.ts";
import type { Sockets } from "../shared/sockets.ts";
import type { FileSystem } from "../shared/vault/mount.ts";
import type { ThreadedVaultOptions } from "../shared/vault/threaded-vault.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { MessageClientOptions, Sending } from "../shared/wire/message-client.ts";
import type { Answer } from "../shared/wire/messages.ts";
import type { ConnectionFailureKind } from "../shared/wire/send-failure.ts";
import type { Attested, AttestOptions } from "./checkpoint/attest-process.ts";
import type { ImageWorker, ImageWorkerOptions } from "./checkpoint/image-worker.ts";
import type { Control, ControlOptions } from "./control.ts";
import type { Unlock } from "./data-lock.ts";
import type { CallHook } from "./hooks/hook-call.ts";
import type { LocalCopy } from "./local-copy.ts";
import type { PoolCopyOptions } from "./pool-copy.ts";

/** The vault as a host has it: with what it asks of its mount, and an end. */
export interface HostVault extends Vault {
  fileSystem(): Promise<FileSystem>;
  sweepTemporary(olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}

/** Who takes images of one store file and hashes it. */
export type ImageTaker = Pick<
  ImageWorker,
  "start" | "begin" | "hash" | "image" | "release" | "cancel" | "rest" | "stop"
>;

export type OpenImages = (options: ImageWorkerOptions) => ImageTaker;
export type OpenCopy = (options: Omit<PoolCopyOptions, "restore">) => LocalCopy;
export type Attest = (options: AttestOptions) => Promise<Attested>;

/** What a host says to other nodes: hints, the question how one is, and the order that ends a handover. */
export type PeerMessage = "appended" | "heartbeat" | "promote" | "look";

/** How a message fared is a result, never a throw. */
export interface PeerClient {
  send<Name extends PeerMessage>(name: Name, sending: Sending<Name>): Promise<PeerResult<Name>>;
  close(): void;
}

export type PeerResult<Name extends PeerMessage> =
  | { readonly type: "answer"; readonly answer: Answer<Name> }
  | { readonly type: "failed"; readonly kind: ConnectionFailureKind | "rejected"; readonly reason: string };

export interface HostParts {
  readonly sockets: Sockets;
  /** @throws {HotspareError} HS_DATA_UNSUITABLE */
  checkData(folder: string, vaultDirectory: string): void;
  /** @throws {HotspareError} HS_DATA_LOCKED, HS_DATA_UNSUITABLE */
  lockData(folder: string): Unlock;
  openVault(options: ThreadedVaultOptions): HostVault;
  startControl(options: ControlOptions): Promise<Control>;
  openImages: OpenImages;
  openCopy: OpenCopy;
  attest: Attest;
  callHook: CallHook;
  connect(options: Omit<MessageClientOptions, "sockets">): PeerClient;
  warmUp(options: { readonly listen: Address; readonly data: string; readonly log: Log }): Promise<void>;
}
