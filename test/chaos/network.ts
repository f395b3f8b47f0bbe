/**
 * A network of its own for each node: a namespace with one cable to a common bridge, so that real packets can be lost. Needs
 * root, `ip` and `nft`. The vault is a folder and needs no network: who is cut off from all others still reaches it.
 *
 * Addresses are of the range for benchmarks (198.18.0.0/15), which is routed nowhere. Everything is named after this process,
 * and removed at the end; what a process left behind that was killed is removed by the next one.
 */
import { runProgram } from "./run-program.ts";

export interface Rule {
  /** Where it applies. */
  readonly at: string;
  /** The other end. */
  readonly peer: string;
  readonly way: "in" | "out";
  /** How many packets of a hundred are lost. */
  readonly percent: number;
}

const PREFIX = "hs-chaos-";
const SLOW = ["rate", "3mbit", "burst", "16kb", "latency", "300ms"];

let made = 0;

export class Network {
  readonly #name: string;
  readonly #bridge: string;
  readonly #base: number;
  readonly #ids: readonly string[];
  readonly #remove = (): void => this.remove();
  #removed = false;

  /** @throws if the machine does not allow it; nothing is left then. */
  constructor(ids: readonly string[]) {
    made += 1;
    this.#name = `${PREFIX}${process.pid}-${made}`;
    this.#bridge = `hsb${process.pid}-${made}`;
    this.#base = ((process.pid * 8 + (made % 8)) % 4096) * 32;
    this.#ids = ids;
    removeLeftovers();
    process.once("exit", this.#remove);
    try {
      this.#makeBridge();
      for (const id of ids) this.#makeNode(id);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  address(id: string): string {
    return addressAt(this.#base + 2 + this.#ids.indexOf(id));
  }

  launcher(id: string): readonly string[] {
    return ["ip", "netns", "exec", this.#namespace(id)];
  }

  /** These rules, and no others. */
  apply(rules: readonly Rule[]): void {
    for (const id of this.#ids)
      runProgram("ip", ["netns", "exec", this.#namespace(id), "nft", "-f", "-"], this.#table(id, rules));
  }

  slow(id: string): void {
    runProgram("tc", ["-n", this.#namespace(id), "qdisc", "replace", "dev", "eth0", "root", "tbf", ...SLOW]);
  }

  fast(id: string): void {
    runProgram("tc", ["-n", this.#namespace(id), "qdisc", "del", "dev", "eth0", "root"]);
  }

  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    process.off("exit", this.#remove);
    for (const id of this.#ids) attempt("ip", ["netns", "del", this.#namespace(id)]);
    attempt("ip", ["link", "del", this.#bridge]);
  }

  #makeBridge(): void {
    runProgram("ip", ["link", "add", this.#bridge, "type", "bridge"]);
    runProgram("ip", ["addr", "add", `${addressAt(this.#base + 1)}/27`, "dev", this.#bridge]);
    runProgram("ip", ["link", "set", this.#bridge, "up"]);
  }

  #makeNode(id: string): void {
    const [namespace, cable] = [this.#namespace(id), `hsv${process.pid}-${made}${this.#ids.indexOf(id)}`];
    runProgram("ip", ["netns", "add", namespace]);
    runProgram("ip", ["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
    runProgram("ip", ["link", "set", cable, "master", this.#bridge, "up"]);
    runProgram("ip", ["-n", namespace, "addr", "add", `${this.address(id)}/27`, "dev", "eth0"]);
    for (const device of ["eth0", "lo"]) runProgram("ip", ["-n", namespace, "link", "set", device, "up"]);
  }

  #namespace(id: string): string {
    return `${this.#name}-${id}`;
  }

  #table(id: string, rules: readonly Rule[]): string {
    const chain = (way: "in" | "out"): string => {
      const [hook, end] = way === "in" ? ["input", "saddr"] : ["output", "daddr"];
      const here = rules.filter((rule) => rule.at === id && rule.way === way);
      const lines = here.map(({ peer, percent }) => `ip ${end} ${this.address(peer)} ${lossOf(percent)} drop`);
      return `chain ${hook} {\n type filter hook ${hook} priority 0;\n ${lines.join("\n ")}\n}`;
    };
    return `table ip chaos\ndelete table ip chaos\ntable ip chaos {\n${chain("in")}\n${chain("out")}\n}\n`;
  }
}

const lossOf = (percent: number): string => (percent >= 100 ? "" : `numgen random mod 100 < ${percent}`);

const addressAt = (offset: number): string => `198.${18 + (offset >> 16)}.${(offset >> 8) & 0xff}.${offset & 0xff}`;

function attempt(program: string, args: readonly string[]): void {
  try {
    runProgram(program, args);
  } catch {
    // It was never made, or is gone already.
  }
}

/** Of processes that are no more. */
function removeLeftovers(): void {
  for (const line of runProgram("ip", ["netns", "list"]).split("\n")) {
    const found = /^(hs-chaos-(\d+)-(\d+)-\S+)/.exec(line);
    if (!found || isAlive(Number(found[2]))) continue;
    attempt("ip", ["netns", "del", found[1] ?? ""]);
    attempt("ip", ["link", "del", `hsb${found[2]}-${found[3]}`]);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether this machine allows it, found out by trying; a reason if not. */
export function whyNoNetwork(): string | null {
  let network: Network | null = null;
  try {
    network = new Network(["trial"]);
    network.apply([{ at: "trial", peer: "trial", way: "in", percent: 30 }]);
    network.slow("trial");
    network.fast("trial");
    return null;
  } catch (error) {
    return (error as Error).message;
  } finally {
    network?.remove();
  }
}
