/**
 * The identities of the system. Each is a validated text: what has passed its `parse…` may become a file name, a
 * header field or a log field without further care.
 */
import type { Brand } from "./brand.ts";
import { HotspareError } from "./errors.ts";
import type { Random } from "./random.ts";

/** A host's or proxy's name, unique in the cluster. */
export type NodeId = Brand<string, "NodeId">;
/** A pool's name, unique in the cluster. */
export type PoolId = Brand<string, "PoolId">;
/** 128 random bits in hex, made anew at each start of a process. */
export type BootId = Brand<string, "BootId">;
/** 128 random bits in hex that tell one record from every other, also from one of the same name. */
export type RecordId = Brand<string, "RecordId">;
/** 128 random bits in hex, made when a pool is created; kept by export and attach. */
export type OriginId = Brand<string, "OriginId">;
/** 128 random bits in hex, made by `hotspare init`; tells the vault from an empty folder and from a copy. */
export type VaultId = Brand<string, "VaultId">;
/** SHA-256 in hex. */
export type Sha256 = Brand<string, "Sha256">;

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HEX_128 = /^[0-9a-f]{32}$/;
const HEX_256 = /^[0-9a-f]{64}$/;

export const parseNodeId = (text: string): NodeId => check(text, NAME, "node id") as NodeId;
export const parsePoolId = (text: string): PoolId => check(text, NAME, "pool id") as PoolId;
export const parseBootId = (text: string): BootId => check(text, HEX_128, "boot id") as BootId;
export const parseRecordId = (text: string): RecordId => check(text, HEX_128, "record id") as RecordId;
export const parseOriginId = (text: string): OriginId => check(text, HEX_128, "origin id") as OriginId;
export const parseVaultId = (text: string): VaultId => check(text, HEX_128, "vault id") as VaultId;
export const parseSha256 = (text: string): Sha256 => check(text, HEX_256, "SHA-256") as Sha256;

/** A fresh 128-bit id. The caller says which kind it is by the type it asks for. */
export function randomId<Id extends BootId | RecordId | OriginId | VaultId>(random: Random): Id {
  return random.bytes(16).toString("hex") as Id;
}

function check(text: string, pattern: RegExp, what: string): string {
  if (pattern.test(text)) return text;
  throw new HotspareError("HS_ID_INVALID", { what, found: JSON.stringify(text), accepted: pattern.source });
}
