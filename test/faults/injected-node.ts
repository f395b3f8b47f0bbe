/**
 * A node that is under faults from its very first call: as `Nodes` would start it, but by strace, which stays out of the
 * way: the process that is started is the node itself. For what a running node does, `injection.ts` is enough.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { MAIN, type Nodes } from "../cluster/nodes.ts";
import { processesWith } from "./node-process.ts";

export interface InjectedNodeOptions {
  readonly nodes: Nodes;
  readonly host: string;
  /** As strace(1) has it. */
  readonly faults: readonly string[];
}

export class InjectedNode {
  readonly #child: ChildProcess;
  readonly #traced: string;

  constructor({ nodes, host, faults }: InjectedNodeOptions) {
    const log = openSync(join(nodes.folder, `${host}.log`), "a");
    this.#traced = join(nodes.folder, `${host}.calls`);
    const calls = faults.map((fault) => fault.split(":")[0]);
    const tracing = ["-D", "-f", "-qq", "-o", this.#traced, "-e", `trace=${calls.join(",")}`, "-e", "signal=none"];
    const node = [process.execPath, MAIN, "host", "--id", host, "--config", nodes.config];
    this.#child = spawn("strace", [...tracing, ...faults.flatMap((fault) => ["-e", `inject=${fault}`]), ...node], {
      stdio: ["ignore", log, log],
      env: { ...process.env, NODE_ENV: "production" },
    });
    closeSync(log);
    onTestFinished(() => this.kill());
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The tracer too: one whose node is killed before it was attached waits for ever. */
  async kill(): Promise<void> {
    if (this.runs) {
      const exited = new Promise((resolve) => this.#child.once("exit", resolve));
      this.#child.kill("SIGKILL");
      await exited;
    }
    for (const tracer of processesWith(this.#traced)) endProcess(tracer);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself just now.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
