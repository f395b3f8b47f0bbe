/**
 * Faults put into the system calls of a thread that runs, by strace: an error, a delay, a kill, at the nth call of a kind.
 * The thread does not know of it. Ends when it is ended, or with its thread; then everything is as before.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface InjectionOptions {
  /** Its id. */
  readonly thread: number;
  /** As strace(1) has it: `fsync:error=EIO:when=1`. */
  readonly faults: readonly string[];
  /** Only calls on these paths. */
  readonly paths?: readonly string[];
}

export class Injection {
  readonly #folder = mkdtempSync(join(tmpdir(), "hotspare-injection-"));
  readonly #tracer: ChildProcess;
  readonly #exited: Promise<void>;

  /** Resolves when every call from now on is watched. */
  static async into(options: InjectionOptions): Promise<Injection> {
    const injection = new Injection(options);
    await injection.#attached();
    return injection;
  }

  private constructor({ thread, faults, paths = [] }: InjectionOptions) {
    const calls = faults.map((fault) => fault.split(":")[0]);
    this.#tracer = spawn(
      "strace",
      [
        "-p",
        String(thread),
        "-o",
        this.#log,
        "-e",
        `trace=${calls.join(",")}`,
        "-e",
        "signal=none",
        ...faults.flatMap((fault) => ["-e", `inject=${fault}`]),
        ...paths.flatMap((path) => ["-P", path]),
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#exited = new Promise((resolve) => this.#tracer.once("exit", () => resolve()));
  }

  /** How many calls met a fault. */
  get injected(): number {
    return this.calls.filter((line) => line.includes("INJECTED")).length;
  }

  /** Each watched call, as strace writes it. */
  get calls(): readonly string[] {
    return readFileSync(this.#log, "utf8")
      .split("\n")
      .filter((line) => line.includes("("));
  }

  /** Leaves the thread to itself. Idempotent. */
  async end(): Promise<void> {
    this.#tracer.kill("SIGTERM");
    await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.#folder, "calls");
  }

  #attached(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = "";
      this.#tracer.stderr?.on("data", (chunk) => {
        said += String(chunk);
        if (/ attached/.test(said)) resolve();
      });
      void this.#exited.then(() => reject(new Error(`strace ended: ${said}`)));
    });
  }
}
