/**
 * Where the benchmark takes place: its folder, the cores, the programs of the system, and the upstreams that all contenders
 * stand before. Starts contenders, each with a configuration of its own, and looks whether they answer rightly.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress, type Address } from "../../../shared/config/config.ts";
import { freePorts } from "../../cluster/free-ports.ts";
import { until } from "../../until.ts";
import { TITLES, type Contender } from "./contender.ts";
import type { Cores } from "./cores.ts";
import { haproxyText } from "./haproxy-text.ts";
import { hotspareText } from "./hotspare-text.ts";
import { POST_BYTES, SHAPES, type Load, type LoadShape } from "./load.ts";
import { proxyText, upstreamText } from "./nginx-text.ts";
import { processCost, processTree, type ProcessCost } from "./process-cost.ts";
import { Programs, type Program } from "./programs.ts";
import type { Tools } from "./tools.ts";

type Upstream = LoadShape["upstream"];

/** A contender that answers. */
export interface Racer {
  readonly contender: Contender;
  readonly address: Address;
  /** `null`: there is nothing between. */
  readonly cost: () => ProcessCost | null;
  readonly end: () => Promise<void>;
}

const READY_MS = 20_000;

export class BenchSite {
  readonly tools: Tools;
  readonly cores: Cores;
  readonly programs: Programs;
  readonly #folder = mkdtempSync(join(tmpdir(), "hotspare-bench-"));
  readonly #upstreams = new Map<Upstream, Address>();

  constructor(tools: Tools, cores: Cores, stop: AbortSignal) {
    this.tools = tools;
    this.cores = cores;
    this.programs = new Programs(tools.taskset, stop);
  }

  /** Starts `contender` before the upstream of `load`; resolves when it has answered as it must. */
  async enter(contender: Contender, load: Load): Promise<Racer> {
    const upstream = await this.#upstream(SHAPES[load].upstream);
    if (contender === "direct") {
      await expectAnswer(upstream, load);
      return { contender, address: upstream, cost: () => null, end: () => Promise.resolve() };
    }
    const [port = 0, admin = 0, control = 0] = await freePorts(3);
    const address: Address = { host: "127.0.0.1", port };
    const command = this.#command(contender, { listen: port, admin, control }, upstream);
    const cores = contender === "hotspare-2" ? this.cores.pair : [this.cores.proxy];
    const program = this.programs.start({ name: TITLES[contender], command, cores });
    await listens(program, address);
    await expectAnswer(address, load);
    if (contender === "hotspare-2") await hasWorkers(program, 2);
    return { contender, address, cost: () => processCost(program.pid), end: () => program.end() };
  }

  /** Ends every process and removes the folder. Idempotent. */
  async close(): Promise<void> {
    await this.programs.endAll();
    this.programs.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #upstream(kind: Upstream): Promise<Address> {
    const known = this.#upstreams.get(kind);
    if (known !== undefined) return known;
    const [port = 0] = await freePorts(1);
    const address: Address = { host: "127.0.0.1", port };
    const command = kind === "http" ? this.#nginxUpstream(port) : node("echo-main.ts", String(port));
    const program = this.programs.start({ name: "the upstream", command, cores: [this.cores.upstream] });
    await listens(program, address);
    this.#upstreams.set(kind, address);
    return address;
  }

  #nginxUpstream(port: number): readonly string[] {
    const folder = this.#subfolder("upstream");
    for (const { path, answerBytes } of Object.values(SHAPES)) {
      if (answerBytes !== null) writeFileSync(join(folder, path), "x".repeat(answerBytes));
    }
    return this.#nginx(folder, upstreamText({ port, folder }, folder));
  }

  #command(
    contender: Exclude<Contender, "direct">,
    ports: { readonly listen: number; readonly admin: number; readonly control: number },
    upstream: Address,
  ): readonly string[] {
    const { listen: port } = ports;
    const folder = this.#subfolder(`${contender}-${port}`);
    switch (contender) {
      case "nginx":
        return this.#nginx(folder, proxyText({ port, folder }, upstream));
      case "haproxy":
        return [this.#tool("haproxy"), "-db", "-f", write(join(folder, "haproxy.cfg"), haproxyText(port, upstream))];
      case "http-proxy":
        return node("http-proxy-main.ts", String(port), formatAddress(upstream));
      case "hotspare-1":
      case "hotspare-2": {
        const text = hotspareText(ports, upstream, contender === "hotspare-2" ? 2 : 1);
        return node("hotspare-main.ts", write(join(folder, "hotspare.yaml"), text));
      }
    }
  }

  #nginx(folder: string, text: string): readonly string[] {
    return [this.#tool("nginx"), "-e", "stderr", "-p", folder, "-c", write(join(folder, "nginx.conf"), text)];
  }

  #subfolder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #tool(name: "nginx" | "haproxy"): string {
    const found = this.tools[name];
    if (found === null) throw new Error(`there is no ${name}`);
    return found;
  }
}

const node = (program: string, ...args: readonly string[]): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, program),
  ...args,
];

function write(file: string, text: string): string {
  writeFileSync(file, text);
  return file;
}

async function listens(program: Program, address: Address): Promise<void> {
  const takesConnections = async (): Promise<boolean> => {
    program.requireRunning();
    return canConnect(address);
  };
  await until(takesConnections, { timeoutMs: READY_MS, everyMs: 20 });
}

function canConnect({ host, port }: Address): Promise<boolean> {
  const socket = connect({ host, port });
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** One that carried everything itself would be measured under a false name. */
async function hasWorkers({ name, pid }: Program, workers: number): Promise<void> {
  const count = (): number => processTree(pid).length - 1;
  await until(() => count() >= workers, { timeoutMs: READY_MS, everyMs: 50 }).catch(() => {
    throw new Error(`${name} has ${count()} processes beside its own`);
  });
}

/** What is wrong is found here, and not in figures. The echo's generator looks itself. */
async function expectAnswer(address: Address, load: Load): Promise<void> {
  const { upstream, method, path, answerBytes } = SHAPES[load];
  if (upstream === "echo") return;
  const body = method === "POST" ? { body: "x".repeat(POST_BYTES) } : {};
  const answer = await fetch(`http://${formatAddress(address)}${path}`, {
    method,
    headers: { connection: "close" },
    ...body,
  });
  const { length } = await answer.bytes();
  const isRight = answer.status === 200 && (answerBytes === null || length === answerBytes);
  if (!isRight) throw new Error(`${method} ${path} was answered with ${answer.status} and ${length} bytes`);
}
