/**
 * Where a host's own data may lie: never inside the vault, which others see and sweep, nor the vault inside it, and not on
 * a network file system, where SQLite's locks and memory maps do not hold.
 */
import { HotspareError } from "../errors.ts";
import { fileSystemOf, isBelow, isNetwork, nearestReal } from "./mount.ts";

/** @throws {HotspareError} HS_DATA_UNSUITABLE, with the reason. Neither folder has to exist. */
export function checkDataFolder(directory: string, vaultDirectory: string): void {
  const data = nearestReal(directory);
  const vault = nearestReal(vaultDirectory);
  if (isBelow(data, vault)) refuse(directory, `it lies inside the vault ${vaultDirectory}`);
  if (isBelow(vault, data)) refuse(directory, `the vault ${vaultDirectory} lies inside it`);
  const fileSystem = fileSystemOf(directory);
  if (isNetwork(fileSystem)) refuse(directory, `it lies on a network file system (${fileSystem.type})`);
}

function refuse(directory: string, reason: string): never {
  throw new HotspareError("HS_DATA_UNSUITABLE", { directory, reason });
}
