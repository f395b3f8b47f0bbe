import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "../../examples/counter/main.ts");
const ADDRESS = /serving on (http:\/\/\S+)/;

let data = "";
let running: ChildProcess | null = null;

beforeEach(() => (data = mkdtempSync(join(tmpdir(), "hotspare-counter-"))));
afterEach(async () => {
  await end("SIGKILL");
  rmSync(data, { recursive: true });
});

/** Starts a process of its own, as a user does; resolves with its address. */
async function start(): Promise<string> {
  const child = spawn(process.execPath, ["-C", "hotspare-source", MAIN, data, "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  running = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const address = ADDRESS.exec(line)?.[1];
    if (address) return address;
  }
  throw new Error("the process ended before it served");
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const child = running;
  running = null;
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
  return child.exitCode;
}

async function count(address: string, key: string): Promise<number> {
  const answer = await fetch(`${address}/counter/a`, { method: "POST", headers: { "idempotency-key": key } });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { n: number }).n;
}

const read = async (address: string): Promise<number> =>
  ((await (await fetch(`${address}/counter/a`)).json()) as { n: number }).n;

describe("the counter, standalone", () => {
  it("counts, and a stop in order keeps it", async () => {
    const first = await start();
    expect(await count(first, "1")).toBe(1);
    expect(await count(first, "2")).toBe(2);
    expect(await end("SIGTERM")).toBe(0);
    expect(await read(await start())).toBe(2);
  });

  it("killed under load with requests under way: every one that is sent again counts once, none is lost", async () => {
    const acknowledged = new Map<string, number>();
    let address = await start();
    for (let round = 0; round < 3; round++) {
      const keys = Array.from({ length: 150 }, (_, n) => `${round}-${n}`);
      const attempts = keys.map(async (key) => acknowledged.set(key, await count(address, key)));
      await Promise.any(attempts);
      await end("SIGKILL");
      const first = await Promise.allSettled(attempts);
      address = await start();
      for (const [index, key] of keys.entries()) {
        const answer = await count(address, key);
        if (first[index]?.status === "fulfilled") expect(answer).toBe(acknowledged.get(key));
        acknowledged.set(key, answer);
      }
    }
    expect(acknowledged.size).toBe(450);
    expect(new Set(acknowledged.values()).size).toBe(450);
    expect(await read(address)).toBe(450);
  });

  it("a second process on the same folder is refused, and changes nothing", async () => {
    const address = await start();
    await count(address, "1");
    const second = spawn(process.execPath, ["-C", "hotspare-source", MAIN, data, "127.0.0.1:0"], { stdio: "pipe" });
    let complaint = "";
    second.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    const [code] = (await once(second, "exit")) as [number];
    expect(code).not.toBe(0);
    expect(complaint).toContain("HS_DATA_LOCKED");
    expect(await read(address)).toBe(1);
  });
});
