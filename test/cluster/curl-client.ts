/**
 * curl, one process after the other, each with many requests in a row over one connection: it connects once, or the
 * connection was closed on it, which counts as a failure.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mistakeOf, roundOf, type Ask, type OrdinaryClient } from "./ordinary-client.ts";

const ROUNDS = 10;

/** `null` if it is there. */
export const whyNoCurl = (): string | null => (spawnSync("curl", ["--version"]).status === 0 ? null : "no curl");

export class CurlClient implements OrdinaryClient {
  readonly failures: string[] = [];
  readonly acknowledged = new Set<string>();
  done = 0;
  readonly #url: string;
  readonly #name: string;
  readonly #folder: string;
  readonly #task: Promise<void>;
  #stopped = false;

  /** @param folder for bodies and answers. */
  constructor(url: string, name: string, folder: string) {
    this.#url = url;
    this.#name = name;
    this.#folder = join(folder, name);
    this.#task = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#task;
  }

  async #run(): Promise<void> {
    for (let run = 1; !this.#stopped; run += 1) {
      mkdirSync(this.#folder, { recursive: true });
      await this.#runOnce(Array.from({ length: ROUNDS }, (_, n) => roundOf(`${this.#name}-${run}-${n}`)).flat());
      rmSync(this.#folder, { recursive: true });
    }
  }

  async #runOnce(asks: readonly Ask[]): Promise<void> {
    const configs = asks.map((ask, n) => this.#configOf(ask, n));
    const { told, error } = await runCurl(configs.join("next\n"));
    const connections = told.reduce((sum, { connects }) => sum + connects, 0);
    if (connections !== 1) this.failures.push(`curl had ${connections} connections for ${told.length} requests`);
    if (told.length !== asks.length) this.failures.push(`curl ended after ${told.length} of ${asks.length}: ${error}`);
    told.forEach(({ status, exit }, n) => this.#judge(asks[n]!, { status, exit, answer: this.#read(n) }));
  }

  #judge(ask: Ask, { status, exit, answer }: { status: number; exit: number; answer: Buffer }): void {
    const mistake = exit === 0 ? mistakeOf(ask, { status, answer }) : `${ask.method} ${ask.target}: exit code ${exit}`;
    if (mistake !== null) return void this.failures.push(mistake);
    this.done += 1;
    if (ask.write !== null) this.acknowledged.add(ask.write);
  }

  #configOf({ method, target, body }: Ask, n: number): string {
    if (body !== null) writeFileSync(join(this.#folder, `body-${n}`), body);
    return [
      `url = "${this.#url}${target}"`,
      `request = "${method}"`,
      `output = "${join(this.#folder, `answer-${n}`)}"`,
      String.raw`write-out = "%{http_code} %{num_connects} %{exitcode}\n"`,
      ...(body === null ? [] : [`data-binary = "@${join(this.#folder, `body-${n}`)}"`, OCTETS]),
      "",
    ].join("\n");
  }

  /** An answer without a body leaves no file. */
  #read(n: number): Buffer {
    try {
      return readFileSync(join(this.#folder, `answer-${n}`));
    } catch {
      return Buffer.alloc(0);
    }
  }
}

const OCTETS = 'header = "content-type: application/octet-stream"';

interface CurlTold {
  readonly status: number;
  readonly connects: number;
  readonly exit: number;
}

async function runCurl(config: string): Promise<{ readonly told: readonly CurlTold[]; readonly error: string }> {
  const child = spawn("curl", ["--silent", "--show-error", "--config", "-"], { stdio: ["pipe", "pipe", "pipe"] });
  let [out, error] = ["", ""];
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (error += String(chunk)));
  child.stdin.end(config);
  await new Promise((resolve) => child.once("close", resolve));
  const lines = out.trim().split("\n").filter(Boolean);
  const told = lines
    .map((line) => line.split(" ").map(Number))
    .map(([status = 0, connects = 0, exit = -1]) => ({ status, connects, exit }));
  return { told, error: error.trim() };
}
