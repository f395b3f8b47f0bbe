/**
 * A second look at a folder that remembers what it has seen, and what it has not: names, absences and attributes are
 * believed for some seconds, as a network file system's client does. Two of them on one folder are two machines. Weaker
 * than NFS, whose opening of a file asks the server, so what holds here holds there.
 *
 * It is one process, and can be stopped like a server that does not answer; whoever calls then waits.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { until } from "../until.ts";
import { fileSystemOf } from "../../shared/vault/mount.ts";
import { unmount, type Mount } from "./mount.ts";

export interface StaleMountOptions {
  readonly source: string;
  readonly point: string;
  /** How long it believes what it has seen; 0: it asks each time. */
  readonly staleS: number;
}

export class StaleMount implements Mount {
  readonly point: string;
  readonly #server: ChildProcess;
  readonly #exited: Promise<void>;

  /** Resolves when it is mounted. */
  static async of(options: StaleMountOptions): Promise<StaleMount> {
    mkdirSync(options.point, { recursive: true });
    const mount = new StaleMount(options);
    await until(() => fileSystemOf(options.point).mountPoint === options.point);
    return mount;
  }

  private constructor({ source, point, staleS }: StaleMountOptions) {
    this.point = point;
    const times = ["entry_timeout", "negative_timeout", "attr_timeout"].map((name) => `${name}=${staleS}`);
    this.#server = spawn("bindfs", ["-f", "-o", times.join(","), source, point], { stdio: "ignore" });
    this.#exited = new Promise((resolve) => this.#server.once("exit", () => resolve()));
  }

  /** From now on nobody who asks it gets an answer. */
  hang(): void {
    this.#server.kill("SIGSTOP");
  }

  resume(): void {
    this.#server.kill("SIGCONT");
  }

  /** Whoever still waits for it gets an error. Idempotent. */
  async end(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#exited;
    await unmount(this.point);
  }
}
