/** `hotspare up`: a whole cluster on this machine, with the real processes and commands. */
import { InvalidArgumentError, type Command } from "commander";
import { withExample, withJson, type CommandContext } from "../command.ts";
import { PORTS_IN_BLOCK } from "../local-cluster.ts";
import { localRun, type UpOptions } from "../up/local-run.ts";

const MOST_PORTS = 65_535;

export function upCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("up")
    .summary("run a whole cluster on this machine")
    .description(
      "Runs two proxies, three hosts and a vault on this machine, in a folder that keeps their data. Ctrl-C stops them.",
    )
    .option("--folder <folder>", "where the cluster is, or is made", "./hotspare-data")
    .option("--port <port>", `first of ${PORTS_IN_BLOCK} ports, for a new cluster (default: 8080 and others)`, readPort)
    .option("--load", "write all the time, and show how it fares; keys: k kill -9 the primary, z pause it, q stop");
  withExample(withJson(command), "hotspare up --folder ./hotspare-data", "hotspare up --port 9000 --load").action(
    async (options: UpOptions) => localRun(options, context),
  );
}

function readPort(text: string): number {
  const most = MOST_PORTS - PORTS_IN_BLOCK + 1;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= most) return port;
  throw new InvalidArgumentError(`accepted is a number from 1 to ${most}`);
}
