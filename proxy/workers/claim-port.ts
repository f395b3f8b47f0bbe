/**
 * Finds out whether an address is free before workers share it: sockets that share a port would share it with another
 * program's of the same user, too, and never say so.
 */
import { createServer } from "node:http";
import type { Address } from "../../shared/config/config.ts";
import { sharingSockets, systemSockets } from "../../shared/sockets.ts";

export interface ClaimedPort {
  /** With the port that was given, where port 0 was asked for. */
  readonly address: Address;
  /** When the workers listen: until then a given port is held. */
  readonly release: () => Promise<void>;
}

/**
 * @param socket as in `WorkerPlan`.
 * @throws {HotspareError} HS_PORT_TAKEN
 */
export async function claimPort(address: Address, socket: "own" | "common"): Promise<ClaimedPort> {
  const server = createServer();
  // Whoever comes at this moment comes too early.
  server.on("connection", (early) => early.destroy());
  // A port that nobody knows yet can be held; one that clients use would take connections from the workers.
  const isHeld = address.port === 0 && socket === "own";
  const given = await (isHeld ? sharingSockets : systemSockets).listen(server, address, "listen");
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  if (!isHeld) await close();
  return { address: given, release: isHeld ? close : () => Promise.resolve() };
}
