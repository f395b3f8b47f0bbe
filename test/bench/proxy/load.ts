/**
 * What is asked of each contender, as fast as it answers: over so many connections, each with one request on the way.
 * `wrk` asks over HTTP; a program of our own over WebSocket.
 */
import { join } from "node:path";
import { formatAddress, type Address } from "../../../shared/config/config.ts";

export const LOADS = ["get-1k", "get-64k", "post-1k", "echo", "latency"] as const;

export type Load = (typeof LOADS)[number];

export interface LoadShape {
  readonly title: string;
  readonly connections: number;
  readonly upstream: "http" | "echo";
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Of the answer's body; `null`: not looked at. */
  readonly answerBytes: number | null;
}

export const POST_BYTES = 1024;

export const SHAPES: Readonly<Record<Load, LoadShape>> = {
  "get-1k": shape("GET 1 KiB", { path: "/1k", answerBytes: 1024 }),
  "get-64k": shape("GET 64 KiB", { path: "/64k", answerBytes: 64 * 1024 }),
  "post-1k": shape("POST 1 KiB", { method: "POST", path: "/post" }),
  echo: shape("WebSocket echo, 100 bytes", { upstream: "echo", path: "/echo" }),
  latency: shape("GET 1 KiB, latency", { connections: 4, path: "/1k", answerBytes: 1024 }),
};

/** What each generator prints as its last line, as JSON. */
export interface LoadFigures {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** The command that puts the load on `address` for so long. */
export function loadCommand(
  load: Load,
  { address, seconds, wrk }: { readonly address: Address; readonly seconds: number; readonly wrk: string },
): readonly string[] {
  const { connections, upstream, method, path } = SHAPES[load];
  const target = formatAddress(address);
  if (upstream === "echo") {
    const program = join(import.meta.dirname, "echo-load-main.ts");
    return [process.execPath, program, target, String(connections), String(seconds)];
  }
  const script = ["-s", join(import.meta.dirname, "wrk-load.lua")];
  const bytes = method === "POST" ? POST_BYTES : 0;
  return [
    wrk,
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    ...script,
    `http://${target}${path}`,
    "--",
    method,
    String(bytes),
  ];
}

/** @throws if that is not what a generator prints. */
export function readFigures(output: string): LoadFigures {
  const line = output.trim().split("\n").at(-1) ?? "";
  const found = JSON.parse(line) as LoadFigures;
  const { requests, elapsedMs, p50Ms, p99Ms, failed } = found;
  if (![requests, elapsedMs, p50Ms, p99Ms, failed].every(Number.isFinite)) throw new Error(`no figures: ${line}`);
  if (requests === 0) throw new Error("not one request was answered");
  return found;
}

function shape(title: string, more: Partial<LoadShape>): LoadShape {
  return { title, connections: 64, upstream: "http", method: "GET", path: "/", answerBytes: null, ...more };
}
