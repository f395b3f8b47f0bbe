/** The log of a node's process: JSON for machines, lines for people on a terminal. `HOTSPARE_LOG` sets the level. */
import { pino, type Logger } from "pino";
import pretty from "pino-pretty";
import type { NodeId } from "./ids.ts";

export function processLog(node: NodeId): Logger {
  const options = { base: { node }, level: process.env["HOTSPARE_LOG"] ?? "info" };
  return process.stdout.isTTY ? pino(options, pretty({ sync: true })) : pino(options, pino.destination({ sync: true }));
}
