/** What a threaded vault and its thread say to one another. Both are always of one version: no compatibility is kept. */
import type { ThreadError } from "../thread-error.ts";
import type { FileSystem } from "./mount.ts";
import type { VaultFolder, VaultName } from "./layout.ts";
import type { Content, PutResult, Range, Space } from "./vault.ts";

/** What the thread is started with. */
export interface VaultThreadData {
  readonly directory: string;
}

/** Each call of the vault: what it is given, and what comes back. */
export interface VaultCalls {
  put: { readonly asked: { readonly name: VaultName; readonly content: Content }; readonly answer: PackedPut };
  get: { readonly asked: { readonly name: VaultName; readonly range: Range }; readonly answer: Uint8Array | null };
  list: { readonly asked: { readonly folder: VaultFolder }; readonly answer: readonly string[] };
  sync: { readonly asked: { readonly folder: VaultFolder }; readonly answer: null };
  remove: { readonly asked: { readonly name: VaultName }; readonly answer: boolean };
  hint: { readonly asked: { readonly name: VaultName; readonly bytes: Uint8Array }; readonly answer: null };
  space: { readonly asked: Record<never, never>; readonly answer: Space };
  sweepTemporary: { readonly asked: { readonly olderThanMs: number }; readonly answer: number };
  fileSystem: { readonly asked: Record<never, never>; readonly answer: FileSystem };
}

export type VaultCall = keyof VaultCalls;

export type VaultRequest =
  | { [Call in VaultCall]: { readonly call: Call; readonly id: number } & VaultCalls[Call]["asked"] }[VaultCall]
  | { readonly call: "watch"; readonly id: number; readonly folder: VaultFolder }
  | { readonly call: "unwatch"; readonly id: number }
  | { readonly call: "close" };

export type VaultAnswer =
  | { readonly type: "done"; readonly id: number; readonly value: VaultCalls[VaultCall]["answer"] }
  | { readonly type: "failed"; readonly id: number; readonly error: ThreadError }
  /** Something happened in the folder that the call `id` watches. */
  | { readonly type: "changed"; readonly id: number }
  /** A piece of a large file is done: the thread lives. */
  | { readonly type: "progress" };

type Failed = Exclude<PutResult["type"], "created" | "exists">;

/** A put's result with its error in a form that crosses over. */
export type PackedPut =
  | { readonly type: "created" | "exists" }
  | { readonly type: Failed; readonly error: ThreadError };
